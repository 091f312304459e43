"""One row of a published file, and what is expected in its fields.

{field: value} at a Place -> text, number, list, nested Row; Refused for anything else
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from internvl.data.media_source import shortened
from internvl.data.record import RecordError
from internvl.data.sources.file_reader import parse_json
from internvl.pipelines.convert.sample import Outcome, Place, Refusal, Refused

_DIGITS = 18  # of a whole number, as an int64 holds them
_LARGE = 1e15  # no number of a data set is larger, and NaN is not below it


@dataclass(frozen=True)
class Row:
    """A row of a file. Its methods raise Refused for a field that is absent or of another kind."""

    place: Place
    fields: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A text that is not blank, without the white space around it."""
        value = self.fields.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(name, "a text")
        return value.strip()

    def optional_text(self, name: str) -> str:
        """A text, or "" where the field is absent or null."""
        return "" if self.fields.get(name) is None else str(self.fields[name]).strip()

    def key(self, name: str) -> str:
        """A whole number or a text that identifies something."""
        value = self.fields.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            raise self._wrong(name, "a number or a text")
        return str(value)

    def whole(self, name: str) -> int:
        """A whole number, also one that is written as a text."""
        key = self.key(name)
        if not key.isascii() or not key.removeprefix("-").isdigit() or len(key) > _DIGITS:
            raise self._wrong(name, "a whole number")
        return int(key)

    def number(self, name: str) -> float:
        """A finite number."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGE:
            raise self._wrong(name, "a number")
        return float(value)

    def values(self, name: str) -> list[Any]:
        """A list with something in it."""
        value = self.fields.get(name)
        if not isinstance(value, list | tuple) or not value:
            raise self._wrong(name, "a list")
        return list(value)

    def texts(self, name: str) -> list[str]:
        """A list of texts; numbers in it are taken as they are written."""
        values = self.values(name)
        if any(isinstance(value, bool) or not isinstance(value, str | int | float) for value in values):
            raise self._wrong(name, "a list of texts")
        return [str(value).strip() for value in values]

    def inside(self, name: str) -> Row:
        """The object in a field, as a row at the same place."""
        value = self.fields.get(name)
        if not isinstance(value, Mapping):
            raise self._wrong(name, "an object")
        return Row(self.place, value)

    def each(self, name: str) -> Iterator[Row]:
        """The objects of a list, as rows at the same place."""
        for value in self.values(name):
            if not isinstance(value, Mapping):
                raise self._wrong(name, "a list of objects")
            yield Row(self.place, value)

    def json(self, name: str) -> Row:
        """The object that a text field holds as JSON, as a row at the same place."""
        try:
            value = parse_json(self.text(name))
        except RecordError as error:
            raise Refused(f"wrong field: {name!r} should be JSON: {error.reason}") from error
        return Row(self.place, {name: value}).inside(name)

    def size(self, width: str = "width", height: str = "height") -> tuple[int, int] | None:
        """Width and height in pixels; None where the row has neither."""
        if self.fields.get(width) is None and self.fields.get(height) is None:
            return None
        sides = self.number(width), self.number(height)
        if not all(side >= 1 and side == int(side) for side in sides):
            raise Refused(f"picture size: {sides[0]:g} x {sides[1]:g} is none")
        return int(sides[0]), int(sides[1])

    def _wrong(self, name: str, expected: str) -> Refused:
        if name not in self.fields:
            return Refused(f"missing field: {name!r} should be {expected}; the fields are {', '.join(sorted(map(str, self.fields)))}")
        return Refused(f"wrong field: {name!r} should be {expected}, not {shortened(self.fields[name])}")


def by_row(rows: Iterable[Row | Refusal], make: Callable[[Row], Iterable[Outcome]]) -> Iterator[Outcome]:
    """What `make` makes of each row. A row that it refuses becomes a Refusal, without what it had made of that row before."""
    for row in rows:
        if isinstance(row, Refusal):
            yield row
            continue
        try:
            made = list(make(row))
        except Refused as error:
            made = [Refusal(row.place, str(error))]
        yield from made
