"""Records kept out of training for evaluation, chosen by a hash of data set name and row.

    10 rows, fraction 0.2  ->  HeldBack(rows [3, 7])        kept number 0 1 2 3 ...  ->  row 0 1 2 4 ...

A row stays on its side when other rows are appended, when other data sets come and go, and whatever the seed is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from internvl.data.config import DataConfig
from internvl.data.ledger import Ledger
from internvl.data.manifest import DatasetSpec, Manifest
from internvl.data.order import Whole, key_of, scrambled
from internvl.data.record import Record, RecordError
from internvl.data.sources import Source, open_source

_CHUNK = 1 << 20


def held_back_records(
    manifest: Manifest, config: DataConfig, *, sources: Sequence[Source] | None = None, ledger: Ledger | None = None
) -> list[tuple[DatasetSpec, Record]]:
    """The records that training never sees, data set by data set; those that can't be read are left out and go to the ledger."""
    records = []
    for source in [open_source(spec) for spec in manifest.datasets] if sources is None else sources:
        for row in HeldBack(source.spec.name, len(source), config.held_back).rows.tolist():
            try:
                records.append((source.spec, source.record(row)))
            except RecordError as error:
                if ledger is not None:
                    ledger.drop(source.origin(row), error.reason)
    return records


class HeldBack:
    """The rows of one data set that training never sees (`rows`, ascending), and the numbering of the others."""

    def __init__(self, name: str, rows: int, fraction: float) -> None:
        self.rows = _chosen(name, rows, fraction)
        self.kept = rows - len(self.rows)
        # Held back row number i has rows[i] - i kept rows before it.
        self._kept_before = self.rows - numpy.arange(len(self.rows), dtype=numpy.int64)

    def row(self, number: int) -> int:
        """The row of a kept number, from 0."""
        return number + int(numpy.searchsorted(self._kept_before, number, side="right"))

    def kept_rows(self) -> Whole:
        """All kept rows, ascending: the row of number i at place i."""
        numbers = numpy.arange(self.kept, dtype=numpy.int64)
        return numbers + numpy.searchsorted(self._kept_before, numbers, side="right")


def _chosen(name: str, rows: int, fraction: float) -> Whole:
    if not fraction:
        return numpy.empty(0, dtype=numpy.int64)
    # Not the key that a fractional repeat_time chooses by: what is held back would be what is repeated.
    key, limit = key_of(0, "held back", name), numpy.uint64(int(fraction * 2.0**64))
    starts = range(0, rows, _CHUNK)
    parts = [_below(start, min(start + _CHUNK, rows), key, limit) for start in starts]
    return numpy.concatenate([numpy.empty(0, dtype=numpy.int64), *parts])


def _below(start: int, stop: int, key: int, limit: numpy.uint64) -> Whole:
    return start + numpy.flatnonzero(scrambled(numpy.arange(start, stop, dtype=numpy.uint64), key) < limit)
