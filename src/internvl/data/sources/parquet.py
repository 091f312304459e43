"""Rows of a Parquet file, pictures inside or beside it. Needs pyarrow.

    footer -> row groups' first rows int64[G+1] --index--> row group (the last few are kept) --> row --> Record

Parquet hands out row groups, not rows. With pictures inside, groups of some hundred rows keep reading in random order cheap.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy

from internvl.data.manifest import DatasetSpec, ManifestError
from internvl.data.record import RecordError
from internvl.data.sources.file_reader import parse_json
from internvl.data.sources.row_file import RowFile
from internvl.errors import MissingDependencyError

TURNS = ("conversations", "messages", "question")
COLUMNS = (
    *TURNS, "chosen", "rejected", "system", "id", "image", "images", "video", "videos", "clip", "length",
    "width", "height", "width_list", "height_list",
)  # fmt: skip
KEPT_BYTES = 256 << 20


class ParquetSource(RowFile):
    """Records of a Parquet file; `origin` counts its rows from 1. Other columns than the known ones are never read."""

    def __init__(self, spec: DatasetSpec, path: Path) -> None:
        super().__init__(spec, path)
        file = _open(path)
        names = file.schema_arrow.names
        if not any(name in names for name in TURNS):
            raise ManifestError(f"{path} has the columns {', '.join(names)}; one of {', '.join(TURNS)} is needed")
        self._columns = [name for name in COLUMNS if name in names]
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        self._firsts = numpy.concatenate([[0], numpy.cumsum(sizes)]).astype(numpy.int64)
        file.close()
        self._file: Any = None
        self._kept: OrderedDict[int, Any] = OrderedDict()

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def _raw(self, index: int) -> Any:
        group = int(numpy.searchsorted(self._firsts, index, side="right")) - 1
        table = self._group(group)
        raw: dict[str, Any] = table.slice(index - int(self._firsts[group]), 1).to_pylist()[0]
        for name in ("conversations", "messages"):
            if isinstance(raw.get(name), str):
                raw[name] = parse_json(raw[name])
        return raw

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None
        self._kept.clear()

    def _group(self, group: int) -> Any:
        """A row group as a table, kept among the latest as far as they fit in KEPT_BYTES."""
        import pyarrow

        if group in self._kept:
            self._kept.move_to_end(group)
            return self._kept[group]
        try:
            self._file = self._file or _open(self.path)
            table = self._file.read_row_group(group, columns=self._columns, use_threads=False)
        except (pyarrow.ArrowException, OSError) as error:
            raise RecordError(f"row group {group + 1} can't be read: {' '.join(str(error).split())}") from error
        self._kept[group] = table
        while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return table

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None, "_kept": OrderedDict()}


def _open(path: Path) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError("reading Parquet files needs pyarrow: pip install 'internvl[data]'") from error
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise ManifestError(f"{path} can't be read as Parquet: {' '.join(str(error).split())}") from error
