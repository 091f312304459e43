"""From an RGB picture to normalised tiles, pixel for pixel as the model card's resize, crop, ToTensor and Normalize give them.

    RGB picture --resize--> [rows*S, columns*S, 3] --cut--> uint8[T, S, S, 3] --normalise--> float32[T, 3, S, S]
                --resize--> [S, S, 3], the thumbnail, last

Speed comes from where it changes no pixel: tiles are cut from one array instead of being pictures of their own, and each is
normalised in place while it is in the cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy
import PIL.Image
import torch
from torch import Tensor

from internvl.errors import ConfigError, MediaError
from internvl.media.cutting import ByteArray, Cut, cut, cut_array, pad_to_square
from internvl.media.tiling import Grid, TilePolicy

__all__ = [
    "CLIP",
    "IMAGENET",
    "NORMALISATIONS",
    "SIGLIP",
    "Normalisation",
    "TileBatch",
    "batch_of",
    "cut_tiles",
    "normalise",
    "pad_to_square",
    "tile_keys",
    "tiles_of",
]

KEY_BYTES = 16


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of red, green and blue, for colours in 0...1."""

    name: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __post_init__(self) -> None:
        if len(self.mean) != 3 or len(self.std) != 3 or not all(value > 0 for value in self.std):
            raise ConfigError(f"a normalisation has 3 means and 3 positive deviations, not {self.mean} and {self.std}")

    @property
    def mean_colour(self) -> tuple[int, int, int]:
        """The mean as an 8-bit colour, rounded down: what padding is filled with."""
        red, green, blue = (int(255 * value) for value in self.mean)
        return red, green, blue


IMAGENET = Normalisation("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
# The family's own CLIP constants, a digit shorter than OpenAI's.
CLIP = Normalisation("clip", (0.4814546, 0.4578275, 0.40821073), (0.2686295, 0.2613025, 0.2757711))
SIGLIP = Normalisation("siglip", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

NORMALISATIONS = {each.name: each for each in (IMAGENET, CLIP, SIGLIP)}
"""The presets by the name that checkpoints use; all released chat models use `imagenet`."""


@dataclass(frozen=True)
class TileBatch:
    """The tiles of one picture: `pixels` float32[T, 3, S, S], a content key for each, the grid (thumbnail not counted)."""

    pixels: Tensor
    keys: tuple[str, ...]
    grid: Grid


def tiles_of(image: PIL.Image.Image, policy: TilePolicy, *, normalisation: Normalisation = IMAGENET) -> TileBatch:
    """Cut an RGB picture (see `open_image`) by the policy and normalise its tiles; the thumbnail, if any, is last.

    Raises `MediaError` when the picture is not RGB, empty, or too large once padded to a square.
    """
    return batch_of(cut(image, policy, normalisation.mean_colour), normalisation)


def batch_of(made: Cut, normalisation: Normalisation = IMAGENET) -> TileBatch:
    """Normalise the tiles of a picture that was cut, here or in another process."""
    # Hashing takes as long as normalising, and lets other threads run meanwhile.
    with ThreadPoolExecutor(max_workers=1) as aside:
        keys = aside.submit(tile_keys, made.tiles, normalisation)
        pixels = normalise(made.tiles, normalisation.mean, normalisation.std)
    return TileBatch(pixels, keys.result(), made.grid)


def cut_tiles(image: PIL.Image.Image, grid: Grid, *, tile_size: int, thumbnail: bool) -> list[PIL.Image.Image]:
    """The tiles of an RGB picture as pictures of tile_size x tile_size pixels, row by row.

    thumbnail: append the whole picture as a last tile, unless the grid is a single tile anyway.
    """
    tiles = cut_array(image, grid, tile_size=tile_size, thumbnail=thumbnail and grid.tiles != 1)
    return [PIL.Image.fromarray(tile) for tile in tiles]


def normalise(
    tiles: ByteArray | Sequence[PIL.Image.Image],
    mean: Sequence[float] = IMAGENET.mean,
    std: Sequence[float] = IMAGENET.std,
) -> Tensor:
    """uint8[T, S, S, 3], or T RGB pictures of one size, to float32[T, 3, S, S]: (value / 255 - mean) / std, all in float32."""
    array = tiles if isinstance(tiles, numpy.ndarray) else _stack(tiles)
    count, height, width, _ = array.shape
    # Allocated by numpy because it asks the kernel for huge pages: page faults cost more than the arithmetic (27 of 38 ms).
    out = torch.from_numpy(numpy.empty((count, 3, height, width), dtype=numpy.float32))
    offset = torch.tensor(mean, dtype=torch.float32).view(3, 1, 1)
    scale = torch.tensor(std, dtype=torch.float32).view(3, 1, 1)
    for tile, values in zip(array, out, strict=True):
        values.copy_(torch.from_numpy(tile).permute(2, 0, 1))
        # Three steps, not one multiply-add: folding the constants changes the last bit.
        values.div_(255).sub_(offset).div_(scale)
    return out


def tile_keys(tiles: ByteArray, normalisation: Normalisation = IMAGENET) -> tuple[str, ...]:
    """A hash of each tile of uint8[T, S, S, 3], of its size and of the normalisation: equal keys mean equal model input."""
    context = repr((normalisation, tiles.shape[1:])).encode()
    start = hashlib.blake2b(context, digest_size=KEY_BYTES)
    keys = []
    for tile in tiles:
        digest = start.copy()
        digest.update(numpy.ascontiguousarray(tile).data)
        keys.append(digest.hexdigest())
    return tuple(keys)


def _stack(tiles: Sequence[PIL.Image.Image]) -> ByteArray:
    if not tiles:
        raise MediaError("there is no tile to normalise: at least one is needed")
    wrong = sorted({f"{tile.mode} {tile.width} x {tile.height}" for tile in tiles})
    if len(wrong) > 1 or tiles[0].mode != "RGB":
        raise MediaError(f"tiles are RGB and of one size, these are {', '.join(wrong)}")
    return numpy.stack([numpy.asarray(tile) for tile in tiles])
