"""Strips: text drawn once as a mask, with the place of every character, to be pasted many times.

(source) -> text, face -> mask uint8 [height, width], classes int16 [n], edges float32 [n + 1] (x of the characters, in px of the mask)
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from recipes.nano.data.families.line_pictures import line_text, readable_face
from recipes.nano.data.sample import Language, MissingMaterial, Split
from recipes.nano.data.text_pool import pool
from recipes.nano.model.characters import NOTHING, classes, hanzi

SIZES = (28, 40)
MADE_SHARE = {"en": 0.25, "zh": 0.4}  # of texts without meaning: every character is met, and nothing can be guessed
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
MARKS = ".,:;!?'\"()[]{}<>/\\|@#$%^&*_+-=~`"
LONGEST = 36


@dataclass(frozen=True)
class Strip:
    """One line of text. `mask` is as high as the line; `edges` are where its characters begin, and where the last one ends."""

    mask: Image.Image
    classes: NDArray[np.int16]
    edges: NDArray[np.float32]


def draw_strip(source: random.Random, split: Split, language: Language, *, common: int | None = None) -> Strip:
    """A strip of text in some face of the split; `common` as in `made_text`. Raises MissingMaterial."""
    for _ in range(8):
        text = made_text(source, language, common) if source.random() < MADE_SHARE[language] else line_text(source, language, split)
        text = text[:LONGEST].strip()
        if text and (chosen := readable_face(source, language, split, text)):
            return _drawn(text, _font(chosen.path, chosen.index, source.choice(SIZES)))
    raise MissingMaterial(f"no face of the {split} split can draw {language} text: python -m recipes.nano.data.materials --use fonts")


def made_text(source: random.Random, language: Language, common: int | None = None) -> str:
    """Hanzi in a row, of the `common` most frequent ones or of all, or letters, digits and marks in groups."""
    if language == "zh":
        return "".join(source.choices(frequent_hanzi()[:common], k=source.randint(4, 18)))
    words = []
    for _ in range(source.randint(1, 5)):
        alphabet = source.choice((LETTERS, LETTERS, LETTERS[:26], LETTERS[-10:], LETTERS[-10:] + ".,-:%$", LETTERS + MARKS))
        words.append("".join(source.choices(alphabet, k=source.randint(2, 8))))
    return " ".join(words)


@lru_cache(maxsize=1)
def frequent_hanzi() -> str:
    """All hanzi that are read, those first that come most often in the training texts."""
    counts = Counter(character for text in pool("zh", "train").sentences for character in text)
    return "".join(sorted(hanzi(), key=lambda character: -counts[character]))


def _drawn(text: str, font: ImageFont.FreeTypeFont) -> Strip:
    ascent, descent = font.getmetrics()
    advances = [_advance(font, character) for character in text]
    edges = np.concatenate([[0.0], np.cumsum(advances)]).astype(np.float32) + 3
    _, top, right, bottom = font.getbbox(text, anchor="ls")
    above, below = max(-top, round(0.8 * ascent)) + 2, max(bottom, round(0.6 * descent)) + 2
    mask = Image.new("L", (max(round(edges[-1]), round(right)) + 3, above + below), 0)
    ImageDraw.Draw(mask).text((3, above), text, fill=255, font=font, anchor="ls")
    # Kerning moves letters: the sum of the advances is stretched to the length that was really set.
    whole = font.getlength(text)
    if edges[-1] > 3:
        edges = (edges - 3) * (whole / (edges[-1] - 3)) + 3
    known = classes()
    return Strip(mask, np.array([known.get(character, NOTHING if character.isspace() else -1) for character in text], np.int16), edges)


@lru_cache(maxsize=300_000)
def _advance(font: ImageFont.FreeTypeFont, character: str) -> float:
    return font.getlength(character)


@lru_cache(maxsize=1024)
def _font(path: str, index: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size, index=index, layout_engine=ImageFont.Layout.BASIC)
