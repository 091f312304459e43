"""A record on each line: a slice is a stretch of bytes that ends with a line.

file --one pass, line ends counted--> byte places of every n-th line --> lines --> fields
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy

from internvl.data.record import RecordError
from internvl.data.sources.file_reader import parse_json
from internvl.pipelines.item import Drop
from internvl.pipelines.reading.slices import RawRow, ReadOptions, Slice

_CHUNK = 1 << 24
_BOM = b"\xef\xbb\xbf"


class JsonLines:
    """Rows are lines; blank ones are counted and passed over."""

    def cut(self, path: Path, rows: int, options: ReadOptions) -> Iterator[Slice]:
        """One pass that looks at line ends only."""
        first, start = 1, 0
        for lines, end in _stretches(path, rows):
            yield Slice(first=first, rows=lines, start=start, end=end)
            first, start = first + lines, end

    def read(self, path: Path, part: Slice, options: ReadOptions) -> Iterator[RawRow]:
        """One row for each line that is not blank."""
        with path.open("rb") as file:
            file.seek(part.start)
            for row in range(part.first, part.first + part.rows):
                line = file.readline(options.max_record_bytes + 1)
                if len(line) > options.max_record_bytes:
                    yield RawRow(row, oversized(len(line) + _skip_line(file, line), options))
                    continue
                line = line.removeprefix(_BOM) if row == 1 else line
                if line.strip():
                    yield RawRow(row, parsed(line))

    def close(self) -> None:
        """Nothing is kept open."""


def parsed(text: bytes) -> dict[str, object] | Drop:
    """The JSON object in a stretch of a file."""
    try:
        raw = parse_json(text)
    except RecordError as error:
        return Drop(f"bad record: {error.reason}")
    return raw if isinstance(raw, dict) else Drop(f"bad record: a record is a JSON object, not {type(raw).__name__}")


def oversized(size: int, options: ReadOptions) -> Drop:
    """The reason for a record of `size` bytes."""
    return Drop(f"oversized record: {size:,} bytes, the limit is {options.max_record_bytes:,}")


def _stretches(path: Path, rows: int) -> Iterator[tuple[int, int]]:
    """Number of lines of each slice and the byte place after it."""
    lines, place, last_end = 0, 0, 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            ends = numpy.flatnonzero(numpy.frombuffer(chunk, numpy.uint8) == ord("\n")) + place + 1
            # The slice under way takes `rows - lines` of them; from then on every n-th ends one.
            for end in ends[rows - lines - 1 :: rows]:
                yield rows, int(end)
            lines = (lines + len(ends)) % rows
            last_end = int(ends[-1]) if len(ends) else last_end
            place += len(chunk)
    # A last line without an end is a line.
    if lines or last_end != place:
        yield lines + (last_end != place), place


def _skip_line(file: BinaryIO, read: bytes) -> int:
    """Bytes up to the end of a line of which the first were read."""
    skipped = 0
    while read and not read.endswith(b"\n"):
        read = file.readline(_CHUNK)
        skipped += len(read)
    return skipped
