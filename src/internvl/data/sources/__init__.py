"""Records of a data set by index, whatever file they lie in.

    DatasetSpec --open_source--> JSONL, JSON list, Parquet or tar, alone or many in a row --record(index)--> Record

A source holds offsets, not records. It can be pickled and forked: files are opened when needed, by each process for itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from internvl.data.manifest import DatasetSpec, ManifestError
from internvl.data.record import Origin, Record
from internvl.data.shard_names import files_of
from internvl.data.sources.concat import ConcatSource
from internvl.data.sources.json_list import JsonListSource
from internvl.data.sources.jsonl import JsonlSource
from internvl.data.sources.parquet import ParquetSource
from internvl.data.sources.row_file import RowFile
from internvl.data.sources.webdataset import TarSource

KINDS = ".jsonl, .json (a list), .parquet and .tar"


class Source(Protocol):
    """A data set's records by index. `record` raises RecordError for a row that can't be used; the others stay readable."""

    @property
    def spec(self) -> DatasetSpec:
        """The data set."""
        ...

    def __len__(self) -> int: ...

    def origin(self, index: int) -> Origin:
        """Where the record stands."""
        ...

    def record(self, index: int) -> Record:
        """The record, its paths absolute."""
        ...


def open_source(spec: DatasetSpec) -> Source:
    """The records of a data set, its files read once to find where each record starts (tar and Parquet: their headers only).

    Raises ManifestError for a missing file, an unknown kind of file, or one that is not what its suffix says.
    """
    try:
        parts = [_open_file(spec, path) for path in files_of(spec.annotation)]
    except OSError as error:
        where = f"data set {spec.name!r}: "
        raise ManifestError(where + (f"{error.filename}: {error.strerror}" if error.strerror else str(error))) from error
    return parts[0] if len(parts) == 1 else ConcatSource(spec, parts)


def _open_file(spec: DatasetSpec, path: Path) -> RowFile:
    suffix = path.suffix.lower()
    if suffix == ".jsonl" or (suffix == ".json" and not _is_list(path)):
        return JsonlSource(spec, path)
    if suffix == ".json":
        return JsonListSource(spec, path)
    if suffix == ".parquet":
        return ParquetSource(spec, path)
    if suffix == ".tar":
        return TarSource(spec, path)
    raise ManifestError(f"data set {spec.name!r}: {path} is of no known kind; known are {KINDS}")


def _is_list(path: Path) -> bool:
    """Whether a .json file begins a list; files of lines are named .json too."""
    with path.open("rb") as file:
        return file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["
