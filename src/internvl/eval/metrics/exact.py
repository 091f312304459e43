"""Exact match, the score of AI2D and OCR-VQA: prediction, references -> 1.0 when one is equal, else 0.0."""

from __future__ import annotations

from collections.abc import Sequence

from internvl.eval.errors import EvalError


def exact_match(prediction: str, references: Sequence[str]) -> float:
    """1.0 when the trimmed answer equals a trimmed reference in lower case, else 0.0; nothing is read out of a sentence.

    An empty answer is never right. Raises EvalError without references.
    """
    if not references:
        raise EvalError("exact match needs at least one reference answer")
    answer = prediction.strip().lower()
    return float(bool(answer) and any(answer == gold.strip().lower() for gold in references))
