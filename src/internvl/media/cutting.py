"""From an RGB picture to its tiles as bytes, without a tensor: what a process that only decodes needs, and no more.

    RGB picture --resize--> [rows*S, columns*S, 3] --cut--> uint8[T, S, S, 3]
                --resize--> [S, S, 3], the thumbnail, last

Tiles are cut from one array instead of being pictures of their own, which changes no pixel and saves time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy
import PIL.Image

from internvl.errors import MediaError
from internvl.media.image import MAX_PIXELS
from internvl.media.tiling import Grid, TilePolicy, check_size

ByteArray: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.uint8]]
Colour: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class Cut:
    """The tiles of one picture, uint8[T, S, S, 3], the thumbnail last, and the grid (thumbnail not counted)."""

    tiles: ByteArray
    grid: Grid


def cut(image: PIL.Image.Image, policy: TilePolicy, padding: Colour) -> Cut:
    """Cut an RGB picture by the policy; `padding` fills the square where the policy wants one. Raises `MediaError` as `tiles_of`."""
    grid = policy.grid(*image.size)
    if policy.pad_to_square and not policy.dynamic:
        image = pad_to_square(image, padding)
    return Cut(cut_array(image, grid, tile_size=policy.tile_size, thumbnail=policy.has_thumbnail(grid)), grid)


def pad_to_square(image: PIL.Image.Image, colour: Colour) -> PIL.Image.Image:
    """The picture in the middle of a square of its longer side. Raises `MediaError` if the square would be too large."""
    width, height = image.size
    side = max(width, height)
    if width == height:
        return image
    if side * side > MAX_PIXELS:
        raise MediaError(
            f"padding {width} x {height} to a square needs {side * side / 1e6:.0f} megapixels, "
            f"the limit is {MAX_PIXELS / 1e6:.0f}: scale the picture down, or use a policy without pad_to_square"
        )
    square = PIL.Image.new("RGB", (side, side), colour)
    square.paste(image, ((side - width) // 2, (side - height) // 2))
    return square


def cut_array(image: PIL.Image.Image, grid: Grid, *, tile_size: int, thumbnail: bool) -> ByteArray:
    """uint8[T, S, S, 3], row by row, the thumbnail last."""
    if image.mode != "RGB":
        raise MediaError(f"tiles are cut from RGB pictures, this one is {image.mode}: open it with open_image")
    check_size(*image.size)
    columns, rows, size = grid.columns, grid.rows, tile_size
    tiles: ByteArray = numpy.empty((grid.tiles + int(thumbnail), size, size, 3), dtype=numpy.uint8)
    whole = _resized(image, columns * size, rows * size).reshape(rows, size, columns, size, 3)
    tiles[: grid.tiles].reshape(rows, columns, size, size, 3)[:] = whole.transpose(0, 2, 1, 3, 4)
    if thumbnail:
        tiles[-1] = _resized(image, size, size)
    return tiles


def _resized(image: PIL.Image.Image, width: int, height: int) -> ByteArray:
    """uint8[height, width, 3]. Bicubic with Pillow's antialiasing is what `resize` without a filter means for RGB."""
    return numpy.asarray(image.resize((width, height), PIL.Image.Resampling.BICUBIC))
