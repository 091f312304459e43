"""Relaxed accuracy, the score of ChartQA: numbers may be off by 5 percent, words must agree.

prediction, references -> 1.0 when any reference agrees, else 0.0
"""

from __future__ import annotations

from collections.abc import Sequence

from internvl.eval.errors import EvalError

TOLERANCE = 0.05


def relaxed_accuracy_standard(prediction: str, references: Sequence[str]) -> float:
    """1.0 when the prediction is within 5 percent of a reference, or equals it in lower case (Masry et al. 2022), else 0.0.

    Raises EvalError without references.
    """
    _check(references)
    return float(bool(prediction.strip()) and any(_agree(target=gold, candidate=prediction) for gold in references))


def relaxed_accuracy_internvl(prediction: str, references: Sequence[str]) -> float:
    """The same with the roles exchanged, as the original repository calls it: 5 percent of the model's own answer.

    The published ChartQA numbers of the family were made this way. Raises EvalError without references.
    """
    _check(references)
    answer = prediction.strip()
    return float(bool(answer) and any(_agree(target=answer, candidate=gold) for gold in references))


def _check(references: Sequence[str]) -> None:
    if not references:
        raise EvalError("relaxed accuracy needs at least one reference answer")


def _agree(*, target: str, candidate: str) -> bool:
    number, gold = _number(candidate), _number(target)
    # A target of 0 allows no relative difference, so it is compared as text.
    if number is not None and gold:
        return abs(number - gold) / abs(gold) <= TOLERANCE
    return candidate.lower() == target.lower()


def _number(text: str) -> float | None:
    """A plain or percent number; `$5`, `1,000` and words are none."""
    try:
        return float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None
