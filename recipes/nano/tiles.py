"""Tiles of a drawn picture as the package cuts them, and what stands in each patch of each tile.

picture, scene -> tiles uint8 [T,112,112,3]  +  things int16 [T,64], colours int16 [T,64]

The patch targets are for the reading head of the first minutes (`reading.py`): for each 14 px patch, the shape or character whose
box covers its centre. -100 marks what shouldn't be asked: glyphs too small to read in the thumbnail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from recipes.nano.lexicon import ALPHABET, SHAPES
from recipes.nano.scene import MAX_TILES, TILE, Box, Scene

from internvl.media.pixels import cut_tiles
from internvl.media.tiling import Grid, TilePolicy

PATCH = 14
CELLS = TILE // PATCH
POLICY = TilePolicy(tile_size=TILE, min_tiles=1, max_tiles=MAX_TILES, thumbnail=True)
THING_CLASSES = 1 + len(SHAPES) + len(ALPHABET)
IGNORED = -100
READABLE_PX = 9.0


@dataclass(frozen=True)
class Tiles:
    """All tiles of one picture with their patch targets."""

    pixels: NDArray[np.uint8]  # T,112,112,3
    things: NDArray[np.int16]  # T,64
    colours: NDArray[np.int16]  # T,64


def cut(picture: Image.Image, scene: Scene) -> Tiles:
    """Cut a drawn scene."""
    grid = POLICY.grid(scene.width, scene.height)
    crops = _crops(grid)
    pixels = np.stack([np.asarray(tile) for tile in cut_tiles(picture, grid, tile_size=TILE, thumbnail=True)])
    targets = [_targets(scene, crop) for crop in crops]
    return Tiles(pixels, np.stack([thing for thing, _ in targets]), np.stack([colour for _, colour in targets]))


def _crops(grid: Grid) -> list[Box]:
    """What each tile shows, as shares of the picture; the thumbnail last."""
    columns, rows = grid
    crops = [(c / columns, r / rows, (c + 1) / columns, (r + 1) / rows) for r in range(rows) for c in range(columns)]
    return crops if len(crops) == 1 else [*crops, (0.0, 0.0, 1.0, 1.0)]


def _targets(scene: Scene, crop: Box) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    steps = (np.arange(CELLS) + 0.5) / CELLS
    x = (crop[0] + steps * (crop[2] - crop[0])) * scene.width
    y = (crop[1] + steps * (crop[3] - crop[1])) * scene.height
    pixel = TILE / ((crop[3] - crop[1]) * scene.height)  # tile pixels per picture pixel, along the height
    things, colours = np.zeros((CELLS, CELLS), np.int16), np.full((CELLS, CELLS), IGNORED, np.int16)
    for shape in scene.shapes:
        cells = np.ix_(_inside(y, shape.box[1], shape.box[3]), _inside(x, shape.box[0], shape.box[2]))
        things[cells], colours[cells] = 1 + shape.kind, shape.colour
    for line in scene.lines:
        for character, box in line.glyphs:
            cells = np.ix_(_inside(y, box[1], box[3]), _inside(x, box[0], box[2]))
            readable = line.size * pixel >= READABLE_PX and character in ALPHABET
            things[cells] = 1 + len(SHAPES) + ALPHABET.index(character) if readable else IGNORED
            colours[cells] = line.colour
    return things.ravel(), colours.ravel()


def _inside(centres: NDArray[np.float64], start: float, end: float) -> NDArray[np.intp]:
    return np.flatnonzero((centres >= start) & (centres < end))
