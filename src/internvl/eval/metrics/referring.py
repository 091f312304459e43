"""Referring segmentation: how well the masks of expressions meet the gold masks.

pairs [n, 2] of intersection and union, in pixels -> P@0.5 .. P@0.9, oIoU, mIoU. Source: the RES scorers of VisionLLM v2 and LAVT.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from internvl.eval.errors import EvalError

_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def referring_segmentation(pairs: Sequence[Sequence[float]]) -> dict[str, float]:
    """`{"P@0.5": ..., "oIoU": sum of I / sum of U, "mIoU": mean of I / U}` as fractions.

    P@t counts IoU strictly above t. Two empty masks (union 0) have IoU 0, as in the original scorer. Raises `EvalError`
    where there is no pair, or a pair that can't be (negative, or an intersection larger than its union).
    """
    checked = [_pair(number, pair) for number, pair in enumerate(pairs, 1)]
    if not checked:
        raise EvalError("referring segmentation needs at least one [intersection, union] pair, got none")
    ious = [shared / union if union else 0.0 for shared, union in checked]
    whole = sum(union for _, union in checked)
    scores = {f"P@{limit}": sum(iou > limit for iou in ious) / len(ious) for limit in _THRESHOLDS}
    scores["oIoU"] = sum(shared for shared, _ in checked) / whole if whole else 0.0
    scores["mIoU"] = sum(ious) / len(ious)
    return scores


def _pair(number: int, pair: Sequence[float]) -> tuple[float, float]:
    if len(pair) == 2 and all(isinstance(side, int | float) and math.isfinite(side) for side in pair) and 0 <= pair[0] <= pair[1]:
        return pair[0], pair[1]
    raise EvalError(f"pair {number}: expected [intersection, union] with 0 <= intersection <= union, got {list(pair)!r}")
