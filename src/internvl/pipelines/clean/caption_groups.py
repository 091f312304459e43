"""Captions that occur again: exactly, or nearly, by sketches that agree in four of their 64 places in a row.

    caption, sketch --same words--> copies of each caption        --16 bands of 4, verified--> near copies

Two captions that share 80 % of their pieces meet in some band with a probability above 0.999, those that share half with 0.64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy

from internvl.pipelines.clean.minhash import PERMUTATIONS, likeness
from internvl.pipelines.clean.pairs import Array, Arrays, Matcher

BAND = 4
NEAR_LIKENESS = 0.8


@dataclass(frozen=True)
class SameWords:
    """Rows whose captions say exactly the same."""

    def usable(self, arrays: Arrays, rows: slice) -> Array:
        """Captions with a word in them."""
        return arrays["spoken"][rows]

    def keys(self, arrays: Arrays, rows: slice) -> Array:
        """The hash of what is said."""
        return arrays["caption"][rows]

    def quick(self, arrays: Arrays, rows: Array) -> Array:
        """The same."""
        return arrays["caption"][rows]

    def identity(self, arrays: Arrays, rows: Array) -> Array:
        """The same."""
        return arrays["caption"][rows]

    def may(self, first: Array, second: Array) -> Array:
        """Equal."""
        equal: Array = first == second
        return equal

    def sure(self, arrays: Arrays, first: Array, second: Array) -> Array:
        """Nothing more to compare."""
        return numpy.ones(len(first), bool)


@dataclass(frozen=True)
class NearWords(SameWords):
    """Rows whose captions say nearly the same, among those that agree in one band of the sketch."""

    band: int = 0
    least: float = NEAR_LIKENESS

    def keys(self, arrays: Arrays, rows: slice) -> Array:
        """Four places of the sketch are 64 bits."""
        part = numpy.ascontiguousarray(arrays["sketch"][rows, BAND * self.band : BAND * (self.band + 1)])
        return part.view("<u8")[:, 0]

    def quick(self, arrays: Arrays, rows: Array) -> Array:
        """The sketch."""
        return arrays["sketch"][rows]

    def may(self, first: Array, second: Array) -> Array:
        """By the estimated share of common pieces."""
        near: Array = likeness(first, second) >= self.least
        return near


def same_words() -> list[Matcher]:
    """What finds captions that say the same."""
    return [SameWords()]


def near_words(least: float = NEAR_LIKENESS) -> list[Matcher]:
    """What finds captions that say nearly the same, those that say the same included."""
    return [SameWords(), *(NearWords(band, least) for band in range(PERMUTATIONS // BAND))]
