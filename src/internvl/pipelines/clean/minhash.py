"""Captions that say nearly the same, found without comparing each with each: MinHash (Broder 1997) over pieces of five characters.

    text --normalised--> code points --windows of 5--> uint64 hashes [m] --64 permutations, minima--> uint16[64]

The share of equal places estimates the Jaccard similarity of the sets of pieces, within about 0.06. Works for scripts without spaces.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Any, TypeAlias

import numpy

Array: TypeAlias = numpy.ndarray[Any, numpy.dtype[Any]]

PERMUTATIONS = 64
PIECE_CHARACTERS = 5
MOST_CHARACTERS = 20_000
"""Of a caption: what stands behind is not looked at, or one page of a book would take 100 MB."""
_SEED = 20231221
_GOLDEN, _MIX_1, _MIX_2 = (numpy.uint64(each) for each in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_NOT_SAID = re.compile(r"[\W_]+")


def normalised(text: str) -> str:
    """What a caption says, without case, punctuation and spacing: "A  Dog." and "a dog" are one."""
    return _NOT_SAID.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def caption_key(text: str) -> str:
    """64 bits, hexadecimal, of the normalised caption: alike for captions that say exactly the same."""
    return hashlib.blake2b(normalised(text).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def minhash(text: str) -> Array:
    """uint16[64] of the normalised caption; a caption shorter than a piece is one piece."""
    points = numpy.frombuffer(normalised(text)[:MOST_CHARACTERS].encode("utf-32-le", "surrogatepass"), dtype=numpy.uint32).astype(
        numpy.uint64
    )
    with numpy.errstate(over="ignore"):
        hashes = _mixed(_pieces(points)[:, None] ^ _SALTS[None, :])
    minima: Array = (hashes.min(axis=0) >> numpy.uint64(48)).astype(numpy.uint16)
    return minima


def likeness(first: Array, second: Array) -> Array:
    """Estimated Jaccard similarity, float32[n], of sketches uint16[n, 64]."""
    share: Array = (first == second).mean(axis=-1, dtype=numpy.float32)
    return share


def _pieces(points: Array) -> Array:
    """A hash of every window of code points, uint64[m], m >= 1."""
    width = min(PIECE_CHARACTERS, len(points))
    if width == 0:
        return numpy.zeros(1, numpy.uint64)
    windows = numpy.lib.stride_tricks.sliding_window_view(points, width)
    found = numpy.zeros(len(windows), numpy.uint64)
    for column in range(width):
        found = _mixed(found + windows[:, column] + _GOLDEN)
    return numpy.unique(found)


def _mixed(values: Array) -> Array:
    """The finaliser of SplitMix64: every bit of the input moves every bit of the output."""
    values = (values ^ (values >> numpy.uint64(30))) * _MIX_1
    values = (values ^ (values >> numpy.uint64(27))) * _MIX_2
    mixed: Array = values ^ (values >> numpy.uint64(31))
    return mixed


def _salts() -> Array:
    with numpy.errstate(over="ignore"):
        return _mixed(numpy.arange(1, PERMUTATIONS + 1, dtype=numpy.uint64) * _GOLDEN + numpy.uint64(_SEED))


_SALTS = _salts()
