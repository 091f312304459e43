"""Counts of a column's values in classes that are fixed beforehand, so that parts of a run can be counted apart and added.

values --Scale--> counts int64[classes]        unit: 0..1 in 50, signed: -1..1 in 100, log: 1, 1.19, 1.41, 1.68, 2, ... 2^32
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy

from internvl.pipelines.clean.known_columns import Scale
from internvl.pipelines.clean.pairs import Array

_BORDERS: dict[str, Array] = {
    "unit": numpy.linspace(0, 1, 51),
    "signed": numpy.linspace(-1, 1, 101),
    "log": numpy.concatenate([[0.0], 2.0 ** (numpy.arange(0, 32 * 4 + 1) / 4)]),
}


def borders_of(scale: Scale) -> Array:
    """float64[classes + 1]: a class holds its lower border, the last one both."""
    return _BORDERS[scale]


@dataclass
class Histogram:
    """Counts of all samples and of those kept. missing: samples without a value."""

    scale: Scale
    all: Array = field(init=False)
    kept: Array = field(init=False)
    missing: int = 0

    def __post_init__(self) -> None:
        classes = len(borders_of(self.scale)) - 1
        self.all, self.kept = numpy.zeros(classes, numpy.int64), numpy.zeros(classes, numpy.int64)

    def add(self, values: Sequence[Any], kept: Array) -> None:
        """Count values, None being none; values beyond the ends count in the outer classes."""
        there = numpy.array([value is not None for value in values], dtype=bool)
        numbers = numpy.array([0.0 if value is None else float(value) for value in values], dtype=numpy.float64)
        borders = borders_of(self.scale)
        place = numpy.clip(numpy.searchsorted(borders, numbers, side="right") - 1, 0, len(borders) - 2)
        self.all += numpy.bincount(place[there], minlength=len(self.all))
        self.kept += numpy.bincount(place[there & kept], minlength=len(self.all))
        self.missing += int((~there).sum())

    def span(self) -> slice:
        """The classes from the first to the last that hold anything."""
        used = numpy.flatnonzero(self.all)
        return slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)

    def to_dict(self) -> dict[str, Any]:
        """Borders and counts of the classes in use, JSON-able."""
        span = self.span()
        borders = borders_of(self.scale)[span.start : span.stop + 1]
        return {
            "scale": self.scale,
            "borders": [round(float(each), 6) for each in borders],
            "all": self.all[span].tolist(),
            "kept": self.kept[span].tolist(),
            "missing": self.missing,
        }
