"""What a family of pictures makes: pictures, questions about them, and answers that are true because the picture was made from them.

    (random source, split) -> Family.sample -> Sample(images, turns, facts)

The same seed gives the same sample on every machine with the same materials. What the splits must not share (texts, fonts, layouts,
pictures) is told apart by `part_of`.
"""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import PIL.Image

Split: TypeAlias = Literal["train", "val", "test"]
Language: TypeAlias = Literal["en", "zh"]
# Of a thousand: the rest is for training.
VAL_SHARE, TEST_SHARE = 50, 50


class MissingMaterial(RuntimeError):
    """Fonts, texts, pictures or a program that a family draws with are not there; the message says how to get them."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One question and its answer. No `<image>` marks: pictures stand before the first question."""

    question: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One conversation about pictures, or about none. facts: the truth behind it as JSON values, for scoring."""

    family: str
    task: str
    language: Language
    images: tuple[PIL.Image.Image, ...]
    turns: tuple[Turn, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    is_video: bool = False


class Family(Protocol):
    """A kind of picture with its questions."""

    name: str

    def sample(self, source: random.Random, split: Split) -> Sample:
        """One sample, decided by `source` and `split` alone. Raises MissingMaterial."""
        ...


def part_of(key: str) -> Split:
    """Which split a text, a font family, a layout or a picture belongs to, by a hash of its name."""
    place = zlib.crc32(key.encode("utf-8")) % 1000
    if place < TEST_SHARE:
        return "test"
    return "val" if place < TEST_SHARE + VAL_SHARE else "train"
