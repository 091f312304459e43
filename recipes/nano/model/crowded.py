"""Tiles full of text whose every character is known by place: what the vision encoder learns to read from.

    strips -> scaled, stretched, inked -> pasted row by row on a ground -> sheared, damaged
           -> pixels uint8 [224,224,3], classes int16 [256,3]

Text is as tall and as squeezed as tiling makes it: a long line cut into few tiles is narrow and high. Each patch is asked three times:
what stands at a sixth, at half and at five sixths of its width. -1 is not asked (a character that is cut off), 0 is nothing.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from recipes.nano.data.backgrounds import ground, readable_ink
from recipes.nano.data.degrade import finish
from recipes.nano.data.sample import Split
from recipes.nano.model.sizes import PATCH, TILE
from recipes.nano.model.strips import Strip, draw_strip

CELL = 2  # px of the map of classes
SLOTS = 3
SMALLEST, LARGEST = 11.0, 150.0  # height of a line, px
CUT_LINES = 0.15  # share of tiles with a piece of one line
STOCK = 600  # strips and grounds kept for use
USES = 6  # times that a strip is pasted before it makes room


@dataclass(frozen=True)
class Crowded:
    """One tile and what stands where."""

    pixels: NDArray[np.uint8]  # 224, 224, 3
    classes: NDArray[np.int16]  # 256, 3


class Composer:
    """Makes tiles; keeps strips and grounds, because drawing each anew would take ten times as long."""

    def __init__(self, source: random.Random, split: Split, *, chinese: float = 0.6) -> None:
        self.source, self.split, self.chinese = source, split, chinese
        self.common: int | None = None  # how many hanzi texts without meaning are made of
        self.strips: list[Strip] = []
        self.grounds: list[Image.Image] = []

    def tile(self) -> Crowded:
        """One more tile."""
        source = self.source
        picture, ink = readable_ink(source, self._ground())
        picture = picture.copy()
        cells = np.zeros((TILE // CELL, TILE // CELL), np.int16)
        smallest = self._write(picture, cells, ink)
        shear = source.uniform(-0.06, 0.06) if source.random() < 0.3 else 0.0
        if shear:
            # Rows slide, or lines climb; the map goes the same way.
            matrix = (1, shear, -shear * TILE / 2, 0, 1, 0) if source.random() < 0.5 else (1, 0, 0, shear, 1, -shear * TILE / 2)
            picture = picture.transform(
                picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=_corner(picture)
            )
            cells = _sheared(cells, matrix)
        if source.random() < 0.5:
            strength = source.random() * min(1.0, max(0.15, (smallest - 8) / 14))
            picture = finish(picture, source, strength=strength, text_px=smallest)
        return Crowded(np.asarray(picture.convert("RGB"), np.uint8), asked(cells))

    def _write(self, picture: Image.Image, cells: NDArray[np.int16], ink: tuple[int, int, int]) -> float:
        """Fill the tile with rows from above; the height of the smallest text."""
        source = self.source
        if source.random() < CUT_LINES:
            return self._write_piece(picture, cells, ink)
        usual, stretch = _height(source), math.exp(source.gauss(-0.1, 0.3))
        spacing = source.uniform(0.02, 0.6)
        top, smallest = source.uniform(-0.4, 1.0) * usual, LARGEST
        while top < TILE - 6:
            height = usual if source.random() < 0.7 else _height(source)
            stretch = stretch if source.random() < 0.7 else math.exp(source.gauss(-0.1, 0.3))
            left = source.uniform(-0.5, 0.3) * TILE if source.random() < 0.6 else source.uniform(0, 30)
            while left < TILE - 8:
                strip = self._strip()
                width = _paste(picture, cells, strip, ink, (left, top, height, stretch))
                left += width + height * source.uniform(0.3, 2.5)
            smallest = min(smallest, height)
            top += height * (1 + spacing)
        return smallest

    def _write_piece(self, picture: Image.Image, cells: NDArray[np.int16], ink: tuple[int, int, int]) -> float:
        """A piece of one line as high as the tile, or nearly: what tiling makes of a picture of a single line."""
        source = self.source
        height, stretch = source.uniform(0.45, 1.0) * TILE, source.uniform(0.3, 1.0)
        top, left = source.uniform(0, TILE - height), source.uniform(-0.5, 0.1) * TILE
        while left < TILE - 8:
            left += _paste(picture, cells, self._strip(), ink, (left, top, height, stretch)) + height * source.uniform(0.1, 0.5)
        return height

    def _strip(self) -> Strip:
        if len(self.strips) < STOCK or self.source.random() < 1 / USES:
            language = "zh" if self.source.random() < self.chinese else "en"
            strip = draw_strip(self.source, self.split, language, common=self.common)
            if len(self.strips) < STOCK:
                self.strips.append(strip)
            else:
                self.strips[self.source.randrange(STOCK)] = strip
            return strip
        return self.source.choice(self.strips)

    def _ground(self) -> Image.Image:
        if len(self.grounds) < STOCK // 3 or self.source.random() < 0.05:
            self.grounds.append(ground(self.source, (TILE, TILE), self.split))
            self.grounds = self.grounds[-STOCK // 3 :]
            return self.grounds[-1]
        return self.source.choice(self.grounds)


def asked(cells: NDArray[np.int16]) -> NDArray[np.int16]:
    """The classes at the three places of every patch, [256, 3], from the map of a tile."""
    side = TILE // PATCH
    rows = (np.arange(side) * PATCH + PATCH // 2) // CELL
    places = (np.arange(SLOTS) * 2 + 1) * PATCH / (2 * SLOTS)
    columns = ((np.arange(side)[:, None] * PATCH + places[None]) // CELL).astype(np.int64)  # side, slots
    return cells[rows[:, None, None], columns[None]].reshape(side * side, SLOTS)


def _height(source: random.Random) -> float:
    """Mostly 16 to 50 px, with some smaller and some much larger."""
    return min(LARGEST, max(SMALLEST, math.exp(source.gauss(3.3, 0.55))))


def _paste(
    picture: Image.Image, cells: NDArray[np.int16], strip: Strip, ink: tuple[int, int, int], place: tuple[float, float, float, float]
) -> float:
    """Write a strip at (left, top) with a height and a stretch; its width in px. The map gets the classes of its characters."""
    left, top, height, stretch = place
    scale = height / strip.mask.height
    width = max(4, round(strip.mask.width * scale * stretch))
    mask = strip.mask.resize((width, max(4, round(height))), Image.Resampling.BILINEAR, reducing_gap=2.0)
    x, y = round(left), round(top)
    picture.paste(ink, (x, y), mask)
    edges = x + strip.edges * (width / strip.mask.width)
    rows = slice(max(0, (y + 1) // CELL), max(0, min(TILE // CELL, (y + mask.height - 1) // CELL)))
    for index, kind in enumerate(strip.classes.tolist()):
        start, end = float(edges[index]), float(edges[index + 1])
        if end <= 0 or start >= TILE:
            continue
        seen = min(end, TILE) - max(start, 0)
        tall = min(y + mask.height, TILE) - max(y, 0)
        whole = seen >= 0.7 * (end - start) and tall >= 0.75 * mask.height
        cells[rows, max(0, round(start / CELL)) : round(min(end, TILE) / CELL)] = kind if whole else -1
    return float(width)


def _sheared(cells: NDArray[np.int16], matrix: tuple[float, ...]) -> NDArray[np.int16]:
    """The map taken at the places that the picture was taken at."""
    side = cells.shape[0]
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) * CELL + CELL / 2
    from_x, from_y = matrix[0] * x + matrix[1] * y + matrix[2], matrix[3] * x + matrix[4] * y + matrix[5]
    inside = (from_x >= 0) & (from_x < TILE) & (from_y >= 0) & (from_y < TILE)
    column, row = np.clip(from_x // CELL, 0, side - 1).astype(int), np.clip(from_y // CELL, 0, side - 1).astype(int)
    return np.where(inside, cells[row, column], np.int16(-1)).astype(np.int16)


def _corner(picture: Image.Image) -> tuple[int, ...]:
    return tuple(picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))  # type: ignore[arg-type]
