"""VQA accuracy: an answer is as right as people agree with it (TextVQA, VQAv2, OK-VQA, VizWiz).

prediction, answers of people -> share of the leave-one-out sets in which three others said the same, 0 to 1
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from internvl.eval.errors import EvalError
from internvl.eval.metrics.vqa_text import vlmevalkit_normalise, vqa_answer_normalise

__all__ = ["vqa_accuracy_10", "vqa_answer_normalise", "vqa_score_vlmevalkit"]

PEOPLE = 10
_BY_AGREEMENT = (0.0, 0.3, 0.6, 0.9)


def vqa_accuracy_10(prediction: str, references: Sequence[str]) -> float:
    """0, 0.3, 0.6, 0.9 or 1.0 when 0, 1, 2, 3 or more of the ten people gave this answer (the TextVQA scorer of EvalAI).

    An empty answer is worth 0. Raises EvalError when there are not exactly ten references.
    """
    if len(references) != PEOPLE:
        raise EvalError(f"VQA accuracy needs the answers of {PEOPLE} people, not {len(references)}")
    agreed = _agreement(prediction, references, vqa_answer_normalise)
    return _BY_AGREEMENT[agreed] if agreed < len(_BY_AGREEMENT) else 1.0


def vqa_score_vlmevalkit(prediction: str, references: Sequence[str]) -> float:
    """VLMEvalKit's form for any number of references: the mean over references of min(1, matches among the others / 3).

    A single reference can therefore never give more than 0. An empty answer is worth 0. Raises EvalError without references.
    """
    if not references:
        raise EvalError("the VQA score needs at least one reference answer")
    agreed, people = _agreement(prediction, references, vlmevalkit_normalise), len(references)
    left_in, left_out = min(1.0, agreed / 3), min(1.0, max(agreed - 1, 0) / 3)
    return (agreed * left_out + (people - agreed) * left_in) / people


def _agreement(prediction: str, references: Sequence[str], normalise: Callable[[str], str]) -> int:
    """How many references are the prediction, both normalised."""
    if not prediction.strip():
        return 0
    answer = normalise(prediction)
    # People often say the same, and normalising is what takes time.
    normalised = {reference: normalise(reference) for reference in set(references)}
    return sum(normalised[reference] == answer for reference in references)
