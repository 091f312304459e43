"""The characters that the embedded model reads: one token each in its vocabulary, one class each of its reading head.

words/characters.txt: ASCII | Chinese punctuation and signs | the 3,755 everyday hanzi of GB 2312 | further frequent ones
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

CHARACTERS_FILE = Path(__file__).parent / "words" / "characters.txt"
NOTHING = 0  # the class of a place without ink


@lru_cache(maxsize=1)
def characters() -> str:
    """Every character, in the order of their classes (the first has class 1)."""
    return CHARACTERS_FILE.read_text(encoding="utf-8").replace("\n", "")


@lru_cache(maxsize=1)
def classes() -> dict[str, int]:
    """character -> class, from 1 on."""
    return {character: index for index, character in enumerate(characters(), start=1)}


@lru_cache(maxsize=1)
def hanzi() -> str:
    """The Chinese ones alone."""
    return "".join(character for character in characters() if "\u3400" <= character <= "\u9fff")
