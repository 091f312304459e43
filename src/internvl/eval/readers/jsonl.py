"""JSON Lines and JSON benchmark files, as the original repository reads them.

a line, or an element of a list --> (row number from 1, {field: value})
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from internvl.data.record import RecordError
from internvl.data.sources.file_reader import parse_json
from internvl.eval.errors import BenchmarkFileError
from internvl.eval.readers.cells import Row, shown
from internvl.eval.readers.tsv import check_new

_BOM = b"\xef\xbb\xbf"


def read_jsonl(path: Path, fields: Sequence[str] = (), *, key: str | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of each line that is not blank.

    fields: those each object must have. key: the field whose values must all differ.
    Raises BenchmarkFileError for a line that is no JSON object or lacks a field, for a repeated key, and for a file without lines.
    """
    seen: dict[str, int] = {}
    number = 0
    try:
        with path.open("rb") as file:
            for line_number, line in enumerate(file, start=1):
                text = line.removeprefix(_BOM) if line_number == 1 else line
                if text.strip():
                    number = line_number
                    yield number, _record(path, number, _parsed(path, number, text), fields, key, seen)
    except OSError as error:
        raise BenchmarkFileError(f"can't read {path}: {error.strerror or error}") from error
    if number == 0:
        raise BenchmarkFileError(f"{path} has no lines: a JSON object a line is expected")


def question_rows(path: Path, text_field: str, *, unique_ids: bool) -> Iterator[Row]:
    """The rows of a question file: `image`, `question_id` and the text field are there.

    unique_ids: the ids must all differ; otherwise only a row that repeats picture, text and id is refused. Raises as `read_jsonl`.
    """
    needed = ("image", text_field, "question_id")
    seen: dict[tuple[str, ...], int] = {}
    for number, record in read_jsonl(path, needed, key="question_id" if unique_ids else None):
        row = Row(path, number, record)
        first = seen.setdefault(tuple(row.key(name) for name in needed), number)
        if first != number:
            raise row.error(f"the same as row {first}: {', '.join(needed)} are repeated")
        yield row


def read_json(path: Path) -> Any:
    """The value in a JSON file. Raises BenchmarkFileError when it can't be read or is no JSON."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BenchmarkFileError(f"can't read {path}: {error.strerror or error}") from error
    return _parsed(path, None, content.removeprefix(_BOM))


def read_json_list(
    path: Path, fields: Sequence[str] = (), *, under: str | None = None, key: str | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(place from 1, object) of a JSON file that is a list, or has one in its field `under`. Raises as `read_jsonl` does."""
    value = read_json(path)
    if under is not None:
        if not isinstance(value, dict) or under not in value:
            raise BenchmarkFileError(f"{path}: an object with the field {under!r} is expected, not {shown(value)}")
        value = value[under]
    if not isinstance(value, list):
        raise BenchmarkFileError(f"{path}: a list of objects is expected{f' in {under!r}' if under else ''}, not {shown(value)}")
    seen: dict[str, int] = {}
    for number, item in enumerate(value, start=1):
        yield number, _record(path, number, item, fields, key, seen)


def _parsed(path: Path, number: int | None, text: bytes) -> Any:
    try:
        return parse_json(text)
    except RecordError as error:
        place = f"{path}" if number is None else f"{path}, row {number}"
        raise BenchmarkFileError(f"{place}: {error}") from error


def _record(path: Path, number: int, value: Any, fields: Sequence[str], key: str | None, seen: dict[str, int]) -> dict[str, Any]:
    """The value if it is an object with these fields and a new key."""
    if not isinstance(value, dict):
        raise BenchmarkFileError(f"{path}, row {number}: a JSON object is expected, not {shown(value)}")
    missing = [name for name in (*fields, *((key,) if key else ())) if name not in value]
    if missing:
        there = ", ".join(list(value)[:40]) or "nothing"
        raise BenchmarkFileError(f"{path}, row {number}: {', '.join(missing)} is missing; the row has {there}")
    if key is not None:
        check_new(path, number, key, value[key], seen)
    return value
