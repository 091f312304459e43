"""What all kinds of data files have in common: rows by index, and where each stands.

index --_raw--> JSON object, Parquet row or tar sample --read_record--> Record with absolute paths
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from internvl.data.manifest import DatasetSpec
from internvl.data.record import Origin, Record
from internvl.data.record_fields import read_record, rooted


class RowFile(ABC):
    """The records of one file. It can be pickled; open files stay behind."""

    def __init__(self, spec: DatasetSpec, path: Path) -> None:
        self.spec = spec
        self.path = path

    def origin(self, index: int) -> Origin:
        """File and row. IndexError for an index that is not there."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.path} has {len(self)} records, none of index {index}")
        return Origin(self.spec.name, str(self.path), self._row(index))

    def record(self, index: int) -> Record:
        """The record of that index. RecordError for a row that is none; the others stay readable."""
        origin = self.origin(index)
        return rooted(read_record(self._raw(index), origin), self.spec.root.absolute())

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def close(self) -> None:
        """Close the file until it is needed again."""

    @abstractmethod
    def _raw(self, index: int) -> Any:
        """The fields of a row. RecordError when there are none to be had."""

    def _row(self, index: int) -> int:
        return index + 1
