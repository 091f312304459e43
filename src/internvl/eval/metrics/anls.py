"""Average normalised Levenshtein similarity, the score of DocVQA and InfographicVQA.

prediction, references -> 1 - distance / length of the best reference; below 0.5 it counts as 0
"""

from __future__ import annotations

from collections.abc import Sequence

from internvl.eval.errors import EvalError
from internvl.eval.metrics.edit_distance import edit_distance

THRESHOLD = 0.5


def anls(prediction: str, references: Sequence[str]) -> float:
    """The similarity to the closest reference, 0 or from 0.5 to 1 (Biten et al. 2019; the original DocVQA scorer).

    Case and runs of blanks don't count as edits, but lengths are those of the texts as they came. The mean over questions is the
    score of a set. An empty answer is worth 0. Raises EvalError without references.
    """
    if not references:
        raise EvalError("ANLS needs at least one reference answer")
    answer = _folded(prediction)
    if not answer:
        return 0.0
    length = len(prediction.upper())
    similarity = 1 - min(_distance(answer, length, reference) for reference in references)
    return similarity if similarity >= THRESHOLD else 0.0


def _distance(answer: str, answer_length: int, reference: str) -> float:
    """The edits of one reference as a share of the longer text; 1 as soon as lengths alone show that it can't reach the threshold."""
    gold = _folded(reference)
    # The original measures upper-cased texts, in which a sharp s has two letters.
    longest = max(answer_length, len(reference.upper()))
    if abs(len(answer) - len(gold)) > (1 - THRESHOLD) * longest:
        return 1.0
    return edit_distance(answer, gold) / longest


def _folded(text: str) -> str:
    return " ".join(text.lower().split())
