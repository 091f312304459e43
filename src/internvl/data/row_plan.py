"""Which rows of a data set are used how often, without a list of them.

5 rows, 2 whole passes, 2 chosen   ->   (0,0) (1,0) (2,0) (3,0) (4,0) (0,1) ... (4,1) (1,2) (4,2)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, overload

import numpy

Rows: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.int64]]
Hashes: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.uint64]]


class RowPlan(Sequence[tuple[int, int]]):
    """(row, repeat) pairs: `whole` passes over all rows, then one over `chosen` of them, rows ascending in each.

    selected: int64[chosen], the rows of the last pass.
    """

    def __init__(self, name: str, rows: int, whole: int, chosen: int) -> None:
        self.rows = rows
        self.whole = whole
        self.selected = _lowest(row_hashes(name, rows), chosen) if chosen else numpy.empty(0, dtype=numpy.int64)

    def __len__(self) -> int:
        return self.whole * self.rows + len(self.selected)

    @overload
    def __getitem__(self, index: int) -> tuple[int, int]: ...

    @overload
    def __getitem__(self, index: slice) -> list[tuple[int, int]]: ...

    def __getitem__(self, index: int | slice) -> tuple[int, int] | list[tuple[int, int]]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"pair {index} of {len(self)}")
        repeat, row = divmod(place, self.rows)
        return (row, repeat) if repeat < self.whole else (int(self.selected[place - self.whole * self.rows]), self.whole)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return (self[index] for index in range(len(self)))

    def used(self) -> Rows:
        """int64: the rows that are used at least once, ascending."""
        return numpy.arange(self.rows, dtype=numpy.int64) if self.whole else self.selected


def row_hashes(name: str, rows: int) -> Hashes:
    """uint64[rows]: a fixed hash of each row of the data set `name`; no two rows share one.

    The finaliser of splitmix64, which maps 64 bits one to one: ties can't make the choice depend on a sorting routine.
    """
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
    with numpy.errstate(over="ignore"):
        x = numpy.arange(rows, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15) + numpy.uint64(key)
        x = (x ^ (x >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return x ^ (x >> numpy.uint64(31))


def _lowest(hashes: Hashes, count: int) -> Rows:
    """The rows with the `count` lowest hashes, ascending."""
    if count >= len(hashes):
        return numpy.arange(len(hashes), dtype=numpy.int64)
    return numpy.sort(numpy.argpartition(hashes, count)[:count].astype(numpy.int64))
