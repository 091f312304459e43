"""What a metric takes from a row, and what each part must look like before the metric sees it.

    {"prediction", "reference", "extra"} --Argument(field, kind)--> arguments of the metric's function

A kind refuses with one sentence that says what was expected, so the metrics themselves can trust their input.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from internvl.eval.errors import EvalError

SHOWN = 60
_LARGEST = sys.float_info.max


@dataclass(frozen=True)
class Kind:
    """A form that a value must have. `fits` decides; `read` turns a fitting value into what the function takes."""

    name: str
    fits: Callable[[Any], bool]
    read: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Argument:
    """One argument: where in the row it stands ("prediction", "reference", "extra.NAME") and its kind.

    keyword: passed by this name instead of by place. optional: left out where the row has nothing, or null, there.
    """

    field: str
    kind: Kind
    keyword: str = ""
    optional: bool = False

    def of(self, row: Mapping[str, Any]) -> Any:
        """The value in a row, None where it is absent. Raises EvalError when it has another form."""
        head, _, name = self.field.partition(".")
        value = row.get(head)
        if name:
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is None and self.optional:
            return None
        if not self.kind.fits(value):
            raise EvalError(f"{self.field} must be {self.kind.name}, not {shown(value)}")
        return value if self.kind.read is None else self.kind.read(value)


@dataclass(frozen=True)
class Option:
    """A way to change what a metric does: the type of its value (a type or a Literal), and what it means."""

    kind: Any
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A row of the table of metrics. function: "module:name", imported when it is first asked for."""

    function: str
    meaning: str
    arguments: tuple[Argument, ...]
    options: Mapping[str, Option] = field(default_factory=dict)

    @property
    def form(self) -> str:
        """The input in words: `prediction: a text; reference: a text or a list of texts`."""
        return "; ".join(f"{each.field}: {each.kind.name}{' (optional)' if each.optional else ''}" for each in self.arguments)


def shown(value: object) -> str:
    """A value as an error shows it. Cut before it is written out: an answer may have a million characters."""
    if value is None:
        return "null or absent"
    if isinstance(value, str):
        return repr(value[:SHOWN]) + ("..." if len(value) > SHOWN else "")
    if isinstance(value, list | tuple | dict):
        return f"{'an object' if isinstance(value, dict) else 'a list'} with {len(value)} items"
    return f"{value!r:.{SHOWN}}"


def is_number(value: object) -> bool:
    """A finite int or float that a float can hold, never true or false."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _all(fits: Callable[[Any], bool], *, least: int = 0) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and len(value) >= least and all(map(fits, value))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_hit(value: object) -> bool:
    return isinstance(value, bool) or is_number(value)


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


def _are_texts(value: object) -> bool:
    return isinstance(value, str) or _all(_is_text, least=1)(value)


def _are_options(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(text, str) or is_number(text) for text in value.values())


def _is_matrix(value: object) -> bool:
    return _all(_all(_is_hit, least=1), least=1)(value) and len({len(line) for line in value}) == 1  # type: ignore[attr-defined]


TEXT = Kind("a text", _is_text)
TEXTS = Kind("a text or a list of at least one text", _are_texts, lambda value: (value,) if isinstance(value, str) else tuple(value))
TEXT_LIST = Kind("a list of texts", _all(_is_text, least=1))
TEXT_OR_NUMBER = Kind("a text or a number", lambda value: _is_text(value) or is_number(value), str)
NUMBER = Kind("a number", is_number)
NUMBERS = Kind("a list of numbers", _all(is_number, least=1))
WHOLE = Kind("a whole number", _is_whole)
WHOLES = Kind("a list of whole numbers", _all(_is_whole, least=1))
HITS = Kind("a list of 0 and 1", _all(_is_hit, least=1))
TRUTH = Kind("true or false", lambda value: isinstance(value, bool))
LETTERS = Kind("a text of letters or a list of them", _are_texts, tuple)
OPTIONS = Kind("an object of letters and option texts", _are_options, lambda value: {key: str(text) for key, text in value.items()})
CHOICES = Kind("a list of option texts", _all(TEXT_OR_NUMBER.fits, least=1), lambda value: [*map(str, value)])
RECORDS = Kind("a list of objects", _all(_is_object, least=1))
RECORDS_OR_NONE = Kind("a list of objects, which may be empty", _all(_is_object))
BOX = Kind("a list of four numbers", lambda value: _all(is_number)(value) and len(value) == 4)
PAIR = Kind("a list of two numbers", lambda value: _all(is_number)(value) and len(value) == 2)
PAIRS = Kind("a list of pairs of numbers", _all(PAIR.fits, least=1))
LIST = Kind("a list", _all(lambda value: True, least=1))
MATRIX = Kind("a list of rows of numbers, all of one length", _is_matrix)
ANSWER_LISTS = Kind("a list of lists of texts, or of their Python literals", _all(_are_texts, least=1))
OBJECT_OF_LISTS = Kind("an object of lists", lambda value: isinstance(value, Mapping) and all(map(LIST.fits, value.values())))
OBJECT_OF_TEXTS = Kind(
    "an object of texts or lists of texts",
    lambda value: isinstance(value, Mapping) and all(map(_are_texts, value.values())),
    lambda value: {key: [texts] if isinstance(texts, str) else list(texts) for key, texts in value.items()},
)
