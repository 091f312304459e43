"""ConvBench: the two summary scores of a three-turn conversation.

S1, S2, S3 (perception, reasoning, creation), SO (the whole conversation) -> R2 = mean of the turns, R1 = mean of R2 and SO.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from internvl.eval.errors import EvalError


def convbench_r1_r2(scores: Sequence[float]) -> dict[str, float]:
    """`{"R2", "R1"}` of `[S1, S2, S3, SO]`, in the unit they came in (win rate in % or grade of 0..10). Source: ConvBench."""
    if len(scores) != 4 or not all(_is_number(score) for score in scores):
        raise EvalError(f"ConvBench needs the four numbers [S1, S2, S3, SO], got {list(scores)!r}")
    turns = sum(scores[:3]) / 3
    return {"R2": turns, "R1": (turns + scores[3]) / 2}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
