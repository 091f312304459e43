"""Many files as one source: the shards of a pattern, end to end.

lengths -> firsts int64[F+1] --index--> file, index within it
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy

from internvl.data.manifest import DatasetSpec
from internvl.data.record import Origin, Record
from internvl.data.sources.row_file import RowFile

OPEN_FILES = 64
"""Files held open at a time: thousands of shards would meet the system's limit."""


class ConcatSource:
    """The records of several files in order."""

    def __init__(self, spec: DatasetSpec, parts: Sequence[RowFile]) -> None:
        self.spec = spec
        self._parts = tuple(parts)
        self._firsts = numpy.concatenate([[0], numpy.cumsum([len(part) for part in parts])]).astype(numpy.int64)
        self._used: OrderedDict[int, None] = OrderedDict()

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def origin(self, index: int) -> Origin:
        """File and row."""
        part, place = self._place(index)
        return self._parts[part].origin(place)

    def record(self, index: int) -> Record:
        """The record of that index. Raises RecordError."""
        part, place = self._place(index)
        self._used[part] = None
        self._used.move_to_end(part)
        if len(self._used) > OPEN_FILES:
            self._parts[self._used.popitem(last=False)[0]].close()
        return self._parts[part].record(place)

    def close(self) -> None:
        """Close all files until they are needed again."""
        for part in self._used:
            self._parts[part].close()
        self._used.clear()

    def _place(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.spec.annotation} has {len(self)} records, none of index {index}")
        part = int(numpy.searchsorted(self._firsts, index, side="right")) - 1
        return part, index - int(self._firsts[part])
