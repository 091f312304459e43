"""Who answers: a model of the package, or a fake that says the truth and so shows what the scoring itself loses.

[Question, ...] -> [answer, ...]
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from recipes.nano.measure.question import Question

if TYPE_CHECKING:
    from internvl.engine.vlm import VLM

TRUTH = "truth"
# How many tokens an answer may have, by measure: none of the true answers is longer.
LONGEST = {"reading": 1024, "json": 1024, "table": 1024, "anls": 512, "words": 192, "formula": 256}
OTHERWISE = 96


class Answerer(Protocol):
    """Answers questions, each a conversation of its own."""

    name: str

    def answers(self, questions: Sequence[Question], *, max_tiles: int | None = None) -> list[str]:
        """One answer a question; max_tiles: of each picture, instead of the model's own."""
        ...


@dataclass
class ModelAnswers:
    """Greedy answers of a model, decoded together."""

    vlm: VLM
    name: str

    def answers(self, questions: Sequence[Question], *, max_tiles: int | None = None) -> list[str]:
        """Questions that may be answered at length are asked apart, so that short ones needn't wait for them."""
        found: dict[int, str] = {}
        for limit in sorted({room(question) for question in questions}):
            places = [place for place, question in enumerate(questions) if room(question) == limit]
            asked = [questions[place].conversation(max_tiles=max_tiles) for place in places]
            replies = self.vlm.answer_all(asked, max_new_tokens=limit, show_marks=True)
            found.update({place: reply.text for place, reply in zip(places, replies, strict=True)})
        return [found[place] for place in range(len(questions))]


@dataclass
class TrueAnswers:
    """Says the first of the right answers: every score must be 1 and every error rate 0."""

    name: str = TRUTH

    def answers(self, questions: Sequence[Question], *, max_tiles: int | None = None) -> list[str]:
        return [question.answers[0] for question in questions]


def room(question: Question) -> int:
    """How many tokens the answer may have."""
    return LONGEST.get(question.measure, OTHERWISE)


def answerer_named(name: str) -> Answerer:
    """A model by name or folder; "truth" is the fake. Raises what `internvl.load` raises."""
    if name == TRUTH:
        return TrueAnswers()
    import internvl
    from internvl.checkpoint.hub import resolve

    return ModelAnswers(internvl.load(name), f"{Path(name).name}@{weights_hash(Path(resolve(name)))}")


def weights_hash(folder: Path) -> str:
    """Eight letters of the SHA-256 of all weights: a model that was trained on is another one to the ledger."""
    total = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:8]
