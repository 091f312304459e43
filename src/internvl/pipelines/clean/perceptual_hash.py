"""What a picture looks like, in a few bytes: two files of one picture differ little, whatever size and quality they were saved in.

    RGB picture --area mean--> [32, 32, 3] --luminance, DCT--> hash of 64 bits
                                          --block means-----> signature uint8[96]: 8 x 8 luminance, 4 x 4 of each colour difference

The hash finds candidates, the signature, which sees colour and place, confirms them. Neither is made to survive mirroring or cropping.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy
import PIL.Image

Array: TypeAlias = numpy.ndarray[Any, numpy.dtype[Any]]

SIDE = 32
HASH_BITS = 64
SIGNATURE_BYTES = 96
FLAT_CONTRAST = 2.0
"""Below this spread of luminance (levels of 255) a picture has no structure to hash: all white pages would be one."""
_DEAD_ZONE = 0.1
"""Of the root mean square of all coefficients. Symmetric pictures have many that are zero but for noise: those are no 1 bits."""
_BT601 = numpy.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


@dataclass(frozen=True)
class Look:
    """contrast: standard deviation of luminance, in levels of 255. hash: None for a flat picture. signature: 96 bytes."""

    contrast: float
    hash: int | None
    signature: bytes


def look_of(picture: PIL.Image.Image) -> Look:
    """The perceptual hash of an RGB picture, in the manner of pHash (Zauner 2010) with a dead zone instead of the median."""
    small = numpy.asarray(picture.resize((SIDE, SIDE), PIL.Image.Resampling.BOX), dtype=numpy.float64)
    planes = numpy.moveaxis(small @ _BT601.T, -1, 0)  # [3, 32, 32]: luminance, blue and red difference
    contrast = float(planes[0].std())
    return Look(contrast, None if contrast < FLAT_CONTRAST else _hash(planes[0]), _signature(planes))


def hamming(first: Array, second: Array) -> Array:
    """How many bits differ, uint8[n], between hashes uint64[n]."""
    counts: Array = numpy.bitwise_count(numpy.bitwise_xor(first, second))
    return counts


def colour_distance(first: Array, second: Array) -> Array:
    """The largest difference of any block between signatures uint8[n, 96], int16[n], in levels of 255.

    Not the mean: saving again changes all blocks a little, another digit on the same button changes a few of them much.
    """
    largest: Array = numpy.abs(first.astype(numpy.int16) - second.astype(numpy.int16)).max(axis=-1, initial=0)
    return largest


def _hash(luminance: Array) -> int:
    coefficients = _DCT @ luminance @ _DCT.T
    chosen = coefficients[_ROWS, _COLUMNS]
    bits = chosen > _DEAD_ZONE * numpy.sqrt(numpy.mean(chosen**2))
    return int.from_bytes(numpy.packbits(bits).tobytes(), "big")


def _signature(planes: Array) -> bytes:
    luminance = _block_means(planes[0], 8)
    colours = [_block_means(plane, 4) + 128.0 for plane in planes[1:]]
    values = numpy.concatenate([luminance.ravel(), *(each.ravel() for each in colours)])
    return bytes(numpy.clip(numpy.rint(values), 0, 255).astype(numpy.uint8))


def _block_means(plane: Array, blocks: int) -> Array:
    size = SIDE // blocks
    mean: Array = plane.reshape(blocks, size, blocks, size).mean(axis=(1, 3))
    return mean


def _cosines() -> Array:
    """The DCT-II matrix [32, 32], orthonormal."""
    place = numpy.arange(SIDE)
    matrix: Array = numpy.sqrt(2 / SIDE) * numpy.cos(numpy.pi * (2 * place[None, :] + 1) * place[:, None] / (2 * SIDE))
    matrix[0] /= numpy.sqrt(2)
    return matrix


def _lowest() -> tuple[Array, Array]:
    """Rows and columns of the 64 lowest frequencies, without the mean brightness."""
    order = sorted(((u, v) for u in range(SIDE) for v in range(SIDE) if u + v), key=lambda each: (sum(each), each))
    rows, columns = zip(*order[:HASH_BITS], strict=True)
    return numpy.array(rows), numpy.array(columns)


_DCT = _cosines()
_ROWS, _COLUMNS = _lowest()
