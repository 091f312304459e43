"""One JSON list of records, as LLaVA's files are, without ever holding the whole list.

    file --one pass--> spans int64[N,2] of the list's elements --index--> bytes --> Record

The pass looks at brackets, commas and quotes only, 16 MiB at a time; a file of gigabytes costs two offsets a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy

from internvl.data.manifest import DatasetSpec, ManifestError
from internvl.data.record import RecordError
from internvl.data.sources.file_reader import FileReader, parse_json
from internvl.data.sources.row_file import RowFile

Places: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.int64]]

_CHUNK = 1 << 24
_QUOTE, _BACKSLASH, _COMMA = ord('"'), ord("\\"), ord(",")


class JsonListSource(RowFile):
    """Records of a JSON list; `origin` counts its elements from 1. A list that is cut off has a last record that can't be read."""

    def __init__(self, spec: DatasetSpec, path: Path) -> None:
        super().__init__(spec, path)
        self._reader = FileReader(path)
        self._spans = _spans(path)

    def __len__(self) -> int:
        return len(self._spans)

    def close(self) -> None:
        self._reader.close()

    def _raw(self, index: int) -> Any:
        start, end = (int(place) for place in self._spans[index])
        text = self._reader.read(start, end - start)
        if not text.strip():
            raise RecordError("nothing stands between two commas of the list")
        return parse_json(text)


@dataclass
class _Scan:
    """Where the pass stands: byte place, nesting depth, whether inside a string."""

    place: int = 0
    depth: int = 0
    in_string: bool = False

    def step(self, chunk: bytes) -> tuple[Places, Places]:
        """Places of the list's own commas, and of brackets that open or close it, in the next chunk.

        The chunk must not end in a backslash, whose next character would be lost.
        """
        text = numpy.frombuffer(chunk, numpy.uint8)
        quotes = numpy.flatnonzero(text == _QUOTE)
        escaped = numpy.zeros(len(text) + 1, numpy.bool_)
        escaped[_escaped(text)] = True
        quotes = quotes[~escaped[quotes]]
        # `[` and `{` differ in one bit only, and so do `]` and `}`.
        opening, closing = (text | 32) == ord("{"), (text | 32) == ord("}")
        marks = numpy.flatnonzero(opening | closing | (text == _COMMA))
        # An odd number of quotes before a mark, the chunks before included, puts it inside a string.
        inside = (numpy.searchsorted(quotes, marks) + self.in_string) % 2 == 1
        marks = marks[~inside]
        moves = opening[marks].astype(numpy.int64) - closing[marks]
        depths = self.depth + numpy.cumsum(moves)
        commas = marks[(moves == 0) & (depths == 1)]
        ends = marks[((moves == 1) & (depths == 1)) | ((moves == -1) & (depths == 0))]
        found = commas + self.place, ends + self.place
        self.place += len(chunk)
        self.depth = int(depths[-1]) if len(depths) else self.depth
        self.in_string = bool((len(quotes) + self.in_string) % 2)
        return found


def _spans(path: Path) -> Places:
    """int64[N,2]: start and end of each element. ManifestError when the file is no list."""
    scan, commas, ends = _Scan(), [numpy.empty(0, numpy.int64)], [numpy.empty(0, numpy.int64)]
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            while chunk.endswith(b"\\") and (more := file.read(1)):
                chunk += more
            found = scan.step(chunk)
            commas.append(found[0])
            ends.append(found[1])
        edges = numpy.concatenate(ends)
        _check_edges(edges, numpy.concatenate(commas), path)
        # Without its closing bracket the list reaches to the end of the file, and its last element fails when it is asked for.
        first, last = int(edges[0]) + 1, int(edges[1]) if len(edges) == 2 else scan.place
        cuts = numpy.concatenate([numpy.asarray([first - 1]), *commas, numpy.asarray([last])])
        spans = numpy.stack([cuts[:-1] + 1, cuts[1:]], axis=1)
        file.seek(first)
        empty = len(spans) == 1 and len(edges) == 2 and not file.read(last - first).strip()
    return spans[:0] if empty else spans


def _check_edges(edges: Places, commas: Places, path: Path) -> None:
    if not len(edges):
        raise ManifestError(f"{path} must be one JSON list of records, and holds no list")
    if len(edges) > 2:
        # Whatever follows is outside of the list, so no later element could be told from another.
        element = int((commas < edges[1]).sum()) + 1
        raise ManifestError(f"{path} is no valid JSON: the list ends at byte {edges[1]}, in element {element}, and more follows")


def _escaped(text: numpy.ndarray[Any, numpy.dtype[numpy.uint8]]) -> Places:
    """Places of characters behind an odd run of backslashes."""
    slashes = numpy.flatnonzero(text == _BACKSLASH)
    if not len(slashes):
        return slashes
    starts = numpy.flatnonzero(numpy.diff(slashes, prepend=-2) != 1)
    lengths = numpy.diff(numpy.append(starts, len(slashes)))
    behind: Places = (slashes[starts] + lengths)[lengths % 2 == 1]
    return behind
