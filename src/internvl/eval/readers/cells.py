"""One row of a benchmark file, and what is expected in its cells.

(path, number, {column: value}) -> Row -> text, list of texts, options; BenchmarkFileError with file and row for anything else
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.metrics.literals import texts_of

_SHOWN = 80


@dataclass(frozen=True)
class Row:
    """A row: its file, its number from 1 (a header is not counted; a line number in JSONL), its fields."""

    path: Path
    number: int
    fields: Mapping[str, Any]

    def error(self, message: str) -> BenchmarkFileError:
        """The error to raise about this row."""
        return BenchmarkFileError(f"{self.path}, row {self.number}: {message}")

    def text(self, name: str) -> str:
        """A text that must be there and not be blank."""
        value = self.optional_text(name)
        if not value.strip():
            raise self.error(f"{name!r} must be a text, and is empty or absent")
        return value

    def optional_text(self, name: str) -> str:
        """A text, or "" where the field is absent."""
        value = self.fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.error(f"{name!r} must be a text, not {shown(value)}")
        return value

    def key(self, name: str) -> str:
        """A whole number or a text that identifies something."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            raise self.error(f"{name!r} must be a number or a text, not {shown(value)}")
        return str(value)

    def texts(self, name: str, *, literal: bool = False) -> list[str]:
        """The texts in a cell: a list, or one plain text; with `literal` also a Python list literal, as VLMEvalKit's TSV has them.

        [] where the field is absent.
        """
        value = self.fields.get(name)
        if value is None or value == "":
            return []
        if isinstance(value, str):
            return python_list(value, self) if literal and is_list(value) else [value]
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return value
        raise self.error(f"{name!r} must be a text or a list of texts, not {shown(value)}")

    def options(self) -> dict[str, str]:
        """Letter -> text of the filled option columns A, B, C, ..."""
        return {letter: self.optional_text(letter) for letter in string.ascii_uppercase if self.fields.get(letter) not in (None, "")}

    def letter(self, name: str, options: Mapping[str, str]) -> str | None:
        """The letter of the right option; None where it is not published."""
        value = self.optional_text(name).strip()
        if not value:
            return None
        if value not in options:
            raise self.error(f"{name!r} is {shown(value)}, none of the options {', '.join(options) or '(there are none)'}")
        return value


def is_list(text: str) -> bool:
    """Whether a cell holds a list literal."""
    return text.lstrip().startswith("[") and text.rstrip().endswith("]")


def python_list(text: str, row: Row) -> list[str]:
    """The items of a list literal such as `['7', "7 o'clock"]`, numbers as texts. Raises BenchmarkFileError for anything else."""
    try:
        return texts_of(text)
    except EvalError as error:
        raise row.error(str(error)) from error


def shown(value: object) -> str:
    """A value as messages show it: shortened."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
