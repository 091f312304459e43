"""What a look through a whole data set found: counts of each data set, lengths of all records, and what is wrong.

tokens int64[R], tiles int64[R] of the records that can be measured   ->   histograms, in classes that double
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy

from internvl.data.record import Origin

Counts: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.int64]]

TOKEN_STARTS = (0, *(2**power + 1 for power in range(5, 18)))
# The limits people set, 6, 12, 24 and 40, each with the thumbnail on top.
TILE_STARTS = (0, 1, 2, 3, 5, 8, 14, 26, 42)
PERCENTILES = (1, 50, 90, 99)


@dataclass(kw_only=True)
class DatasetReport:
    """One data set. records: rows looked at, each once; rows: what an epoch trains on, repeats included; share: of the run.

    Tokens and tiles are sums over the good records, each counted once.
    """

    name: str
    annotation: str
    records: int
    rows: int
    repeat_time: float
    weight: float | None
    share: float
    bad: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    text_tokens: int = 0
    visual_tokens: int = 0
    tiles: int = 0
    longest: int = 0


@dataclass(frozen=True, kw_only=True)
class DataReport:
    """All data sets. tokens, tiles: int64[R] of each record that could be measured, too long ones included.

    first_bad: where and why, of the first bad records; `bad` is how many there are.
    """

    datasets: tuple[DatasetReport, ...]
    tokens: Counts
    tiles: Counts
    bad: int
    first_bad: tuple[tuple[Origin, str], ...]
    max_tokens: int

    @property
    def records(self) -> int:
        """Rows looked at."""
        return sum(each.records for each in self.datasets)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single lengths, ready for JSON."""
        return {
            "records": self.records,
            "bad": self.bad,
            "max_tokens": self.max_tokens,
            "datasets": [{**vars(each), "kinds": dict(each.kinds)} for each in self.datasets],
            "tokens": {**summary(self.tokens), "histogram": histogram(self.tokens, TOKEN_STARTS)},
            "tiles": {**summary(self.tiles), "histogram": histogram(self.tiles, TILE_STARTS)},
            "first_bad": [{"dataset": o.dataset, "file": o.file, "row": o.row, "reason": reason} for o, reason in self.first_bad],
        }


def summary(values: Counts) -> dict[str, float]:
    """Least, mean, most and some percentiles; empty for no values."""
    if not len(values):
        return {}
    percentiles = zip(PERCENTILES, numpy.percentile(values, PERCENTILES, method="higher"), strict=True)
    named = {f"p{percent}": int(value) for percent, value in percentiles}
    return {"min": int(values.min()), **named, "max": int(values.max()), "mean": round(float(values.mean()), 1)}


def histogram(values: Counts, starts: Sequence[int]) -> dict[str, int]:
    """How many values lie in each class, by its name such as `129-256`; empty classes at both ends are left out.

    starts: the lowest value of each class, ascending from one that no value is below.
    """
    if not len(values):
        return {}
    counts = numpy.bincount(numpy.searchsorted(starts, values, side="right") - 1, minlength=len(starts))
    filled = numpy.flatnonzero(counts)
    return {_class_name(starts, index): int(counts[index]) for index in range(filled[0], filled[-1] + 1)}


def _class_name(starts: Sequence[int], index: int) -> str:
    if index + 1 == len(starts):
        return f"{starts[index]}+"
    last = starts[index + 1] - 1
    return str(last) if starts[index] == last else f"{starts[index]}-{last}"
