"""One JSON list of records: a slice knows where each of its elements stands, so that the list is never held.

file --one pass over brackets, commas, quotes--> spans int64[N,2] --> bytes of an element --> fields
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from internvl.data.manifest import DatasetSpec, ManifestError
from internvl.data.sources.json_list import JsonListSource
from internvl.pipelines.item import Drop
from internvl.pipelines.reading.json_lines import oversized, parsed
from internvl.pipelines.reading.slices import RawRow, ReadOptions, Slice


class _Spans(JsonListSource):
    """The places of a list's elements."""

    def places(self, first: int, last: int) -> tuple[int, ...]:
        """Start and end of the elements `first` to `last` - 1, from 0."""
        return tuple(int(place) for place in self._spans[first:last].ravel())


class JsonList:
    """Rows are elements of the list. A list that is cut off has a last element that is no JSON."""

    def cut(self, path: Path, rows: int, options: ReadOptions) -> Iterator[Slice]:
        """One pass; two numbers a record are kept meanwhile."""
        try:
            spans = _Spans(DatasetSpec(name=path.stem, annotation=path, root=path.parent), path)
        except ManifestError as error:
            yield Slice(first=1, rows=1, fault=f"unreadable file: {error}")
            return
        for first in range(0, len(spans), rows):
            last = min(first + rows, len(spans))
            yield Slice(first=first + 1, rows=last - first, places=spans.places(first, last))

    def read(self, path: Path, part: Slice, options: ReadOptions) -> Iterator[RawRow]:
        """One row for each element."""
        with path.open("rb") as file:
            for number, (start, end) in enumerate(zip(part.places[::2], part.places[1::2], strict=True)):
                if end - start > options.max_record_bytes:
                    yield RawRow(part.first + number, oversized(end - start, options))
                    continue
                file.seek(start)
                text = file.read(end - start).strip()
                missing = Drop("bad record: nothing stands between two commas of the list")
                yield RawRow(part.first + number, parsed(text) if text else missing)

    def close(self) -> None:
        """Nothing is kept open."""
