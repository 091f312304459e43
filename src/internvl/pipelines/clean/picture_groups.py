"""Pictures that are the same, or nearly: which rows meet, and what makes two of them near.

    equal pixels: by SHA-256        near: at most `bits` of 64 differ, every block at most `colours` levels, shapes at most 15 %

Near pairs are found completely: of m blocks of the hash at least m - bits are equal in two hashes that differ in `bits` bits, so rows
meet under every choice of m - bits blocks (Manku et al. 2007). More blocks mean more sorting and fewer comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from math import comb

import numpy

from internvl.pipelines.clean.features import FLAT, WHOLE
from internvl.pipelines.clean.pairs import Array, Arrays, Matcher
from internvl.pipelines.clean.perceptual_hash import HASH_BITS, SIGNATURE_BYTES, colour_distance, hamming

LOG_SHAPE = 0.14
"""Largest difference of the logarithms of width over height: one side 15 % longer. A crop beyond that is another picture."""
_SORTING_COST = 60
"""Of putting a row in order under one key, in comparisons."""


@dataclass(frozen=True)
class SamePixels:
    """Rows with equal pixels."""

    def usable(self, arrays: Arrays, rows: slice) -> Array:
        """Every picture that could be decoded."""
        usable: Array = arrays["state"][rows] >= FLAT
        return usable

    def keys(self, arrays: Arrays, rows: slice) -> Array:
        """The first 64 bits of the pixels' hash."""
        keys: Array = arrays["content"][rows, 0]
        return keys

    def quick(self, arrays: Arrays, rows: Array) -> Array:
        """The next 64 bits."""
        bits: Array = arrays["content"][rows, 1]
        return bits

    def identity(self, arrays: Arrays, rows: Array) -> Array:
        """The same."""
        return self.quick(arrays, rows)

    def may(self, first: Array, second: Array) -> Array:
        """Equal."""
        equal: Array = first == second
        return equal

    def sure(self, arrays: Arrays, first: Array, second: Array) -> Array:
        """128 equal bits of SHA-256 are proof enough."""
        return numpy.ones(len(first), bool)


@dataclass(frozen=True)
class NearLooks:
    """Rows that look nearly the same, among those whose hashes agree in the bits of `mask`."""

    mask: int
    bits: int
    colours: float

    def usable(self, arrays: Arrays, rows: slice) -> Array:
        """Pictures with structure: of flat ones the hash says nothing."""
        usable: Array = arrays["state"][rows] == WHOLE
        return usable

    def keys(self, arrays: Arrays, rows: slice) -> Array:
        """The bits under the mask."""
        keys: Array = arrays["phash"][rows] & numpy.uint64(self.mask)
        return keys

    def quick(self, arrays: Arrays, rows: Array) -> Array:
        """The hash."""
        return arrays["phash"][rows]

    def identity(self, arrays: Arrays, rows: Array) -> Array:
        """Of hash, signature and shape."""
        words = numpy.ascontiguousarray(arrays["signature"][rows]).view("<u8").reshape(len(rows), SIGNATURE_BYTES // 8)
        mixed = arrays["phash"][rows] ^ arrays["shape"][rows].view("<u4").astype(numpy.uint64)
        with numpy.errstate(over="ignore"):
            for column in words.T:
                mixed = (mixed ^ column) * numpy.uint64(0xBF58476D1CE4E5B9)
                mixed = mixed ^ (mixed >> numpy.uint64(29))
        return mixed

    def may(self, first: Array, second: Array) -> Array:
        """By the hash."""
        may: Array = hamming(first, second) <= self.bits
        return may

    def sure(self, arrays: Arrays, first: Array, second: Array) -> Array:
        """By colours and shape as well."""
        return near_looks(arrays, first, second, bits=self.bits, colours=self.colours)


def near_looks(arrays: Arrays, first: Array, second: Array, *, bits: int, colours: float) -> Array:
    """bool[n]: whether the pictures of these rows look nearly the same. Both have a hash."""
    near: Array = hamming(arrays["phash"][first], arrays["phash"][second]) <= bits
    near &= numpy.abs(arrays["shape"][first] - arrays["shape"][second]) <= LOG_SHAPE
    near &= (arrays["state"][first] == WHOLE) & (arrays["state"][second] == WHOLE)
    near[near] = colour_distance(arrays["signature"][first[near]], arrays["signature"][second[near]]) <= colours
    return near


def same_pixels(arrays: Arrays, first: Array, second: Array) -> Array:
    """bool[n]: whether the pictures of these rows have equal pixels."""
    equal: Array = (arrays["content"][first] == arrays["content"][second]).all(axis=1)
    return equal & (arrays["state"][first] >= FLAT)


def picture_matchers(rows: int, *, bits: int | None, colours: float) -> list[Matcher]:
    """All that finds equal pictures and, unless `bits` is None, near ones among so many rows."""
    matchers: list[Matcher] = [SamePixels()]
    if bits is not None:
        matchers += [NearLooks(mask, bits, colours) for mask in block_masks(bits, best_blocks(rows, bits))]
    return matchers


def best_blocks(rows: int, bits: int) -> int:
    """How many blocks make the least work: few rows are compared sooner than sorted once more."""

    def work(blocks: int) -> float:
        agreeing = HASH_BITS * (blocks - bits) / blocks
        return comb(blocks, bits) * (_SORTING_COST + rows / 2 ** (agreeing + 1))

    return min(range(bits + 1, bits + 5), key=work)


def block_masks(bits: int, blocks: int) -> list[int]:
    """A mask for every choice of blocks - bits blocks: two hashes that differ in at most `bits` bits agree under one of them."""
    borders = [round(HASH_BITS * place / blocks) for place in range(blocks + 1)]
    parts = [((1 << stop) - 1) ^ ((1 << start) - 1) for start, stop in pairwise(borders)]
    return [sum(chosen) for chosen in combinations(parts, blocks - bits)]
