"""What a converter makes out of one annotation: a sample to be written, or the reason why there is none.

row of a published file --converter--> Sample --> one line of the released JSONL        Refusal --> one line of the ledger
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from internvl.pipelines.errors import PipelineError


@dataclass(frozen=True)
class Place:
    """Where an annotation stands: its file, and its line, element or row from 1."""

    file: str
    row: int


@dataclass(frozen=True)
class Turn:
    """What one speaker says. speaker: human, gpt or system, as the released files have it."""

    speaker: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A conversation about one picture, or about none.

    image: the picture's path below the root of pictures. content: the picture's file, where the table itself carries it; it is then
    stored under `image`. size: width and height in pixels, where the data set tells them.
    """

    place: Place
    turns: tuple[Turn, ...]
    image: str | None = None
    content: bytes | None = None
    size: tuple[int, int] | None = None
    id: str | None = None


@dataclass(frozen=True)
class Refusal:
    """An annotation that is left out. reason: "kind: detail"; reports count the kinds."""

    place: Place
    reason: str


Outcome: TypeAlias = Sample | Refusal


class Refused(PipelineError):
    """Raised while one annotation is converted: it is left out, the others go on. The message is the reason, "kind: detail"."""


def asked(question: str, answer: str) -> tuple[Turn, Turn]:
    """One question with its answer."""
    return Turn("human", question), Turn("gpt", answer)
