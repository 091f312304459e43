"""Rows of a Parquet file, pictures inside or beside it. Needs pyarrow.

footer -> rows of each row group --cut--> slices within groups --read, a few rows of a group at a time--> fields

A group is read from its start. The last one stays open, so that a worker that takes slices in order reads each group once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from internvl.data.record import RecordError
from internvl.data.sources.file_reader import parse_json
from internvl.pipelines.item import Drop
from internvl.pipelines.reading.slices import IMAGE_FIELDS, TEXT_FIELDS, TURN_FIELDS, RawRow, ReadOptions, Slice

MAX_ROWS = 1_000_000_000
"""A footer that claims more rows in one file is taken for damaged."""

BATCH_ROWS = 32
_BUFFER_BYTES = 1 << 20


class ParquetRows:
    """Rows are rows. Columns of bytes other than the picture's are passed over: they are no text and no number."""

    def __init__(self) -> None:
        self._group: _RowGroup | None = None

    def cut(self, path: Path, rows: int, options: ReadOptions) -> Iterator[Slice]:
        """From the footer; no slice reaches over the end of a row group. `start` and `end` are group and row in it."""
        import pyarrow

        try:
            sizes = _group_sizes(path, options)
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            yield Slice(first=1, rows=1, fault=f"unreadable file: {_one_line(error)}")
            return
        first = 1
        for group, size in enumerate(sizes):
            for place in range(0, size, rows):
                taken = min(rows, size - place)
                yield Slice(first=first, rows=taken, start=group, end=place)
                first += taken

    def read(self, path: Path, part: Slice, options: ReadOptions) -> Iterator[RawRow]:
        """One row for each row; all rows behind a damage in their group have its reason."""
        import pyarrow

        row, last = part.first, part.first + part.rows
        try:
            for raw in self._opened(path, part, options).rows(part.end, part.rows):
                yield RawRow(row, raw)
                row += 1
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            self.close()
            fault = Drop(f"unreadable rows: row group {part.start + 1} can't be read: {_one_line(error)}")
            yield from (RawRow(missing, fault) for missing in range(row, last))

    def close(self) -> None:
        """Close the file until it is needed again."""
        if self._group is not None:
            self._group.file.close()
        self._group = None

    def _opened(self, path: Path, part: Slice, options: ReadOptions) -> _RowGroup:
        if self._group is None or not self._group.leads_to(path, part, options):
            self.close()
            self._group = _RowGroup(path, part.start, options)
        return self._group


class _RowGroup:
    """One row group, read forward. first: the row of it that `batch` begins with."""

    def __init__(self, path: Path, group: int, options: ReadOptions) -> None:
        self.path, self.group, self.options = path, group, options
        self.file = _open(path)
        columns = _columns(self.file.schema_arrow, options)
        self._batches = self.file.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns, use_threads=False)
        self._first, self._batch = 0, next(self._batches, None)

    def leads_to(self, path: Path, part: Slice, options: ReadOptions) -> bool:
        """Whether the slice lies in this group and not behind us."""
        return (self.path, self.group, self.options) == (path, part.start, options) and part.end >= self._first

    def rows(self, first: int, count: int) -> Iterator[Mapping[str, Any] | Drop]:
        """The fields of rows `first` to `first` + `count` - 1 of the group."""
        last = first + count
        while first < last:
            if self._batch is None:
                raise ValueError(f"it ends after {self._first} rows, before the number its footer gives")
            behind = self._first + self._batch.num_rows
            if first < behind:
                taken = min(last, behind) - first
                yield from _fields(self._batch.slice(first - self._first, taken))
                first += taken
            else:
                self._first, self._batch = behind, next(self._batches, None)


def _open(path: Path) -> Any:
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES)


def _group_sizes(path: Path, options: ReadOptions) -> list[int]:
    with _open(path) as file:
        known = {options.text_field, options.image_field, *TEXT_FIELDS, *IMAGE_FIELDS, *TURN_FIELDS}
        names = file.schema_arrow.names
        if not known.intersection(names):
            raise ValueError(f"it has the columns {', '.join(names)}, of which none is known as caption, picture or conversation")
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
    if min(sizes, default=0) < 0 or sum(sizes) > MAX_ROWS:
        raise ValueError(f"its footer claims {sum(sizes):,} rows")
    return sizes


def _columns(schema: Any, options: ReadOptions) -> list[str]:
    """The columns to read: all but bytes; of the pictures' only the paths where pictures are not wanted."""
    import pyarrow.types as types

    chosen = []
    for field in schema:
        binary = types.is_binary(field.type) or types.is_large_binary(field.type) or types.is_fixed_size_binary(field.type)
        picture = field.name == options.image_field or field.name in IMAGE_FIELDS
        if picture and not options.images and types.is_struct(field.type):
            chosen += [f"{field.name}.path"] if field.type.get_field_index("path") >= 0 else []
        elif not binary or (picture and options.images):
            chosen.append(field.name)
    return chosen


def _fields(batch: Any) -> Iterator[Mapping[str, Any] | Drop]:
    """Rows as Python has them. A text that is no UTF-8 costs its row only."""
    for row in range(batch.num_rows):
        try:
            yield _with_turns(batch.slice(row, 1).to_pylist()[0])
        except (RecordError, ValueError, OverflowError) as error:
            yield Drop(f"bad record: {_one_line(error)}")


def _with_turns(raw: dict[str, Any]) -> dict[str, Any]:
    """Conversations may be JSON in a text column."""
    return raw | {name: parse_json(raw[name]) for name in TURN_FIELDS if isinstance(raw.get(name), str) and raw[name][:1] in "[{"}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
