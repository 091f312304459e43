"""A record on each line, found by its place in the file.

file --one pass--> starts int64[N+1], line numbers int64[N] if some lines are blank --index--> bytes --> Record
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy

from internvl.data.manifest import DatasetSpec
from internvl.data.sources.file_reader import FileReader, parse_json
from internvl.data.sources.row_file import RowFile

Offsets: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.int64]]

_CHUNK = 1 << 24
_BOM = b"\xef\xbb\xbf"
# No record is shorter than this many bytes, so only lines up to here are looked at to see whether they are blank.
_SHORT = 16


class JsonlSource(RowFile):
    """Records of a JSONL file. Blank lines are passed over; `origin` counts them."""

    def __init__(self, spec: DatasetSpec, path: Path) -> None:
        super().__init__(spec, path)
        self._reader = FileReader(path)
        self._starts, self._lines = _index(path)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def close(self) -> None:
        self._reader.close()

    def _raw(self, index: int) -> Any:
        start, end = int(self._starts[index]), int(self._starts[index + 1])
        line = self._reader.read(start, end - start)
        return parse_json(line.removeprefix(_BOM) if start == 0 else line)

    def _row(self, index: int) -> int:
        return index + 1 if self._lines is None else int(self._lines[index])


def _index(path: Path) -> tuple[Offsets, Offsets | None]:
    """Where each line that is not blank starts, the end of the file, and the lines' numbers if they are not 1, 2, 3..."""
    ends = numpy.concatenate([numpy.empty(0, numpy.int64), *_line_ends(path)])
    size = path.stat().st_size
    if size and (not len(ends) or ends[-1] != size):
        ends = numpy.append(ends, size)
    starts = numpy.concatenate([numpy.zeros(1, numpy.int64), ends])
    filled = _filled_lines(path, starts)
    if bool(filled.all()):
        return starts, None
    # A blank line's bytes fall to the record before it, where JSON allows them.
    return numpy.append(starts[:-1][filled], size), numpy.flatnonzero(filled) + 1


def _line_ends(path: Path) -> Iterator[Offsets]:
    """Places after each line end, a chunk at a time."""
    with path.open("rb") as file:
        place = 0
        while chunk := file.read(_CHUNK):
            yield numpy.flatnonzero(numpy.frombuffer(chunk, numpy.uint8) == ord("\n")).astype(numpy.int64) + place + 1
            place += len(chunk)


def _filled_lines(path: Path, starts: Offsets) -> numpy.ndarray[Any, numpy.dtype[numpy.bool_]]:
    lengths = numpy.diff(starts)
    filled = numpy.ones(len(lengths), numpy.bool_)
    with path.open("rb") as file:
        for line in numpy.flatnonzero(lengths <= _SHORT):
            file.seek(int(starts[line]))
            content = file.read(int(lengths[line]))
            filled[line] = bool((content.removeprefix(_BOM) if line == 0 else content).strip())
    return filled
