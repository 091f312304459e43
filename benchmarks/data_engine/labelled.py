"""Pictures of packages with what they are called: clip art, emoji sets, flags, stamps, photographs.

    packages -> Labelled(key, source, picture, names, keywords) -> caption(random source, language) -> "red apple: fruit, food"

Nothing is drawn here. Which of them a shipped model was trained with is told by `seen`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

LARGEST_SVG_BYTES = 250_000  # slower than a second to draw, and hardly more than one in a hundred


@dataclass(frozen=True)
class Labelled:
    """One picture before it is drawn. picture: an SVG text or a file; crop: a part of it, in thousandths of width and height.

    names: by language; keywords: by language, may be empty.
    """

    key: str
    source: str
    picture: str | Path
    names: dict[str, str]
    keywords: dict[str, tuple[str, ...]] = field(default_factory=dict)
    crop: tuple[int, int, int, int] | None = None


def collection() -> list[Labelled]:
    """Every picture of every source, in an order that does not change. Raises MissingMaterial."""
    from benchmarks.data_engine.clip_art import clip_art
    from benchmarks.data_engine.emoji import emoji, flags
    from benchmarks.data_engine.stamps import photographs, stamps

    parts: tuple[Callable[[], Iterator[Labelled]], ...] = (clip_art, emoji, flags, stamps, photographs)
    return [each for part in parts for each in part()]


def caption(source: random.Random, each: Labelled, language: str) -> str:
    """What the picture is labelled with: its name, often with keywords behind it."""
    name = each.names[language]
    known = [word for word in each.keywords.get(language, ()) if word.lower() not in name.lower()]
    chosen = source.sample(known, min(len(known), source.randint(2, 5)))
    # A name of one word alone is what strict rules call too short; longer ones often stand alone.
    if not chosen or (len(name.split()) > 3 and source.random() < 0.4):
        return name
    opening, comma = ("：", "、") if language == "zh" else (": ", ", ")
    return name.rstrip(".。") + opening + comma.join(chosen)
