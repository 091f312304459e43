"""Tiles of single characters in cells that keep to the grid of patches: the first lessons of the vision encoder.

    cell of 3 x 3 patches -> one character in its middle, off it by at most `jitter` px -> (pixels, classes) as of a crowded tile

Where a glyph stands against the grid of patches is what a transformer finds hardest: with every glyph in its place, letters of all
faces are told apart after some thousand of them; at random places not even after a hundred thousand. So the place is let loose slowly.
"""

from __future__ import annotations

import random
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from recipes.nano.data.backgrounds import ground, readable_ink
from recipes.nano.data.fonts import Face, covers, faces
from recipes.nano.data.sample import Language, Split
from recipes.nano.model.characters import characters, classes, hanzi
from recipes.nano.model.crowded import CELL, Crowded, asked
from recipes.nano.model.sizes import PATCH, TILE
from recipes.nano.model.strips import frequent_hanzi

SIDE = 3 * PATCH
COUNT = TILE // SIDE  # cells a row
SIZE = 34  # px of a glyph that is not varied
SIZES = (22, 26, 30, 34, 38)


def cell_tile(source: random.Random, split: Split, *, chinese: float, common: int, jitter: float, plain: bool) -> Crowded:
    """A tile of 25 characters. plain: black on white, one size; else any ground and ink, and sizes from 22 to 38 px.

    chinese: share of rows with hanzi, of the `common` most frequent ones.
    """
    picture, ink = (
        (Image.new("RGB", (TILE, TILE), "white"), (0, 0, 0)) if plain else readable_ink(source, ground(source, (TILE, TILE), split))
    )
    picture = picture.copy()
    map_of_classes = np.zeros((TILE // CELL, TILE // CELL), np.int16)
    # The cells begin at any patch, so that no place of the tile is special.
    left, top = (PATCH * source.randint(0, (TILE - COUNT * SIDE) // PATCH) for _ in range(2))
    for row in range(COUNT):
        language: Language = "zh" if source.random() < chinese else "en"
        face = source.choice(usable_faces(language, split))
        for column in range(COUNT):
            size = SIZE if plain and jitter < 1 else source.choice(SIZES)
            middle = [edge + (place + 0.5) * SIDE + source.uniform(-jitter, jitter) for edge, place in ((left, column), (top, row))]
            _write(picture, map_of_classes, _character(source, language, face, common), face, size, (middle[0], middle[1]), ink)
    return Crowded(np.asarray(picture, np.uint8), asked(map_of_classes))


@lru_cache(maxsize=8)
def usable_faces(language: Language, split: Split) -> list[Face]:
    """Faces of print that have every character that is drawn with them."""
    needed = _letters() if language == "en" else hanzi()[:3755]
    return [one for one in faces(language, split) if one.style != "hand" and covers(one, needed)]


def _character(source: random.Random, language: Language, face: Face, common: int) -> str:
    if language == "en":
        return source.choice(_letters())
    chosen = source.choice(frequent_hanzi()[:common])
    return chosen if covers(face, chosen) else source.choice(hanzi()[:3755])


@lru_cache(maxsize=1)
def _letters() -> str:
    return "".join(character for character in characters() if character.isascii())


def _write(
    picture: Image.Image,
    map_of_classes: NDArray[np.int16],
    character: str,
    face: Face,
    size: int,
    middle: tuple[float, float],
    ink: tuple[int, int, int],
) -> None:
    glyph, advance, above = _glyph(face.path, face.index, size, character)
    # Letters stand on a common line; the middle of the line, not of the ink, is in the middle of the cell.
    x, y = round(middle[0] - glyph.width / 2), round(middle[1] + 0.36 * size - above)
    picture.paste(ink, (x, y), glyph)
    left, right = middle[0] - advance / 2, middle[0] + advance / 2
    rows = slice(max(0, round((middle[1] - 0.55 * size) / CELL)), round((middle[1] + 0.55 * size) / CELL))
    map_of_classes[rows, max(0, round(left / CELL)) : round(right / CELL)] = classes()[character]


@lru_cache(maxsize=60_000)
def _glyph(path: str, index: int, size: int, character: str) -> tuple[Image.Image, float, int]:
    """The mask of a character, its advance, and how far its base line is from the top of the mask."""
    font = _font(path, index, size)
    left, top, right, bottom = font.getbbox(character, anchor="ls")
    mask = Image.new("L", (max(1, round(right - left) + 2), max(1, round(bottom - top) + 2)), 0)
    ImageDraw.Draw(mask).text((1 - left, 1 - top), character, fill=255, font=font, anchor="ls")
    return mask, max(6.0, font.getlength(character)), round(1 - top)


@lru_cache(maxsize=512)
def _font(path: str, index: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size, index=index, layout_engine=ImageFont.Layout.BASIC)
