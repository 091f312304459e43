"""Open questions whose answers a language model grades: MM-Vet and MMBench-Video.

answers --waiting--> 0 and left to the judge;   the judge's reply --grade_of--> 0...most
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from internvl.eval.errors import EvalError
from internvl.eval.judge import UNDECIDED
from internvl.eval.kinds import summary

LONGEST_GRADE = 40
"""Characters of a reply that may be a grade; a longer one is an explanation."""


def waiting(answers: Sequence[str]) -> Mapping[str, Any]:
    """0 for an empty answer; any other is for the judge."""
    prediction = summary.last(answers)
    return {"score": 0.0, "prediction": prediction, **({UNDECIDED: True} if prediction.strip() else {})}


def grade_of(reply: str, read: Callable[[str], float], most: float, expected: str) -> float:
    """The grade that a reply is, read by `int` or `float`. Raises EvalError for one that is no number from 0 to `most`."""
    text = reply.strip()
    try:
        grade = read(text) if len(text) <= LONGEST_GRADE else -1.0
    except ValueError:
        grade = -1.0
    if not 0 <= grade <= most:
        raise EvalError(f"{expected} was expected, not {reply[:80]!r}")
    return float(grade)
