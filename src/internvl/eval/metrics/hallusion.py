"""HallusionBench: how many questions, figures and question sets are right throughout (Guan et al. 2024, VLMEvalKit's rating).

0/1 scores and indices `VD_illusion_1_0_2_0` (category, subcategory, visual, set, figure, question) -> aAcc, fAcc, qAcc, avg
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from internvl.eval.errors import EvalError

PIECES = 6


def hallusion_rating(scores: Sequence[float], indices: Sequence[str]) -> dict[str, float]:
    """Percent of right questions (aAcc), of figures (fAcc) and of questions over figures (qAcc) whose rows are all right; their mean.

    Raises EvalError when there are no rows, the lists differ in length, or an index has fewer than six pieces.
    """
    return _rating(_rows(scores, indices))


def hallusion_report(scores: Sequence[float], indices: Sequence[str]) -> dict[str, dict[str, float]]:
    """`hallusion_rating` for `Overall`, for each category (VD, VS) and for each subcategory. Raises as it does."""
    rows = _rows(scores, indices)
    names = sorted({pieces[0] for _, pieces in rows}), sorted({pieces[1] for _, pieces in rows})
    parts = {name: [row for row in rows if row[1][level] == name] for level in (0, 1) for name in names[level]}
    return {"Overall": _rating(rows), **{name: _rating(part) for name, part in parts.items()}}


_Row = tuple[bool, list[str]]


def _rows(scores: Sequence[float], indices: Sequence[str]) -> list[_Row]:
    if len(scores) != len(indices) or not scores:
        raise EvalError(f"HallusionBench needs a score for each index, at least one, not {len(scores)} scores, {len(indices)} indices")
    rows = [(bool(score), index.split("_")) for score, index in zip(scores, indices, strict=True)]
    for number, (_, pieces) in enumerate(rows, start=1):
        if len(pieces) < PIECES:
            raise EvalError(f"index {number} needs six pieces such as VD_illusion_1_0_2_0, not {indices[number - 1]!r:.60}")
    return rows


def _rating(rows: Sequence[_Row]) -> dict[str, float]:
    accuracies = {
        "aAcc": _percent(right for right, _ in rows),
        "fAcc": _whole_groups(rows, 4),
        "qAcc": _whole_groups(rows, 5),
    }
    return {**accuracies, "avg": sum(accuracies.values()) / len(accuracies)}


def _whole_groups(rows: Sequence[_Row], piece: int) -> float:
    """Percent of groups (subcategory, set, and this piece of the index) without a mistake."""
    groups: dict[tuple[str, str, str], bool] = defaultdict(lambda: True)
    for right, pieces in rows:
        key = (pieces[1], pieces[3], pieces[piece])
        groups[key] = groups[key] and right
    return _percent(groups.values())


def _percent(truths: Iterable[bool]) -> float:
    counted = list(truths)
    return 100 * sum(counted) / len(counted)
