"""Tab-separated benchmark files, as VLMEvalKit and MMBench publish them: a header, a question a row, pictures as base64 text.

bytes --UTF-8, BOM allowed--> csv rows --header--> (row number from 1, {column: text})
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from internvl.eval.errors import BenchmarkFileError

MAX_CELL = 1 << 30
"""Characters a cell may have. Python's csv stops at 131,072, which a picture in base64 exceeds."""

# pandas, which writes and reads these files, leaves a missing value empty or spells it so.
_ABSENT = frozenset({"NaN", "nan"})


def read_tsv(path: Path, columns: Sequence[str] = (), *, key: str | None = "index") -> Iterator[tuple[int, dict[str, str]]]:
    """(row number, {column: text}) of each row; the header is not counted, and "" stands for an absent value.

    columns: those that must be in the header. key: the column whose values must all differ and be there; None checks none.
    Raises BenchmarkFileError for a file that is not UTF-8, has no rows, lacks columns, or has a row with more or fewer cells, an
    unclosed quote or a repeated key.
    """
    rows = _cells(path)
    header = next(rows, [])
    _check_header(path, header, (*columns, *((key,) if key else ())))
    seen: dict[str, int] = {}
    number = 0
    for number, cells in enumerate(rows, start=1):
        if len(cells) != len(header):
            raise BenchmarkFileError(f"{path}, row {number}: the header has {len(header)} columns, this row {len(cells)}")
        record = {name: "" if cell in _ABSENT else cell for name, cell in zip(header, cells, strict=True)}
        if key is not None:
            check_new(path, number, key, record[key], seen)
        yield number, record
    if number == 0:
        raise BenchmarkFileError(f"{path} has a header but no rows")


def check_new(path: Path, number: int, key: str, value: object, seen: dict[str, int]) -> None:
    """Refuse a key that is empty or was in an earlier row; note it otherwise."""
    if value is None or value == "":
        raise BenchmarkFileError(f"{path}, row {number}: {key!r} is empty")
    first = seen.setdefault(str(value), number)
    if first != number:
        raise BenchmarkFileError(f"{path}, row {number}: {key!r} {str(value)[:80]!r} was already in row {first}; it must be unique")


def _cells(path: Path) -> Iterator[list[str]]:
    """The cells of each row, the header first."""
    if csv.field_size_limit() < MAX_CELL:
        csv.field_size_limit(MAX_CELL)  # the limit belongs to the whole process and is only ever raised here
    number = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for cells in csv.reader(file, delimiter="\t", strict=True):
                if cells:  # a blank line
                    yield cells
                    number += 1
    except OSError as error:
        raise BenchmarkFileError(f"can't read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BenchmarkFileError(f"{path}, near row {number}: not UTF-8 text ({error.reason})") from error
    except csv.Error as error:
        raise BenchmarkFileError(f"{path}, row {number}: not valid tab-separated text: {error}") from error


def _check_header(path: Path, header: Sequence[str], needed: Sequence[str]) -> None:
    if not header:
        raise BenchmarkFileError(f"{path} is empty: a header line with the names of the columns is expected")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BenchmarkFileError(f"{path}: the header names {', '.join(twice)} twice")
    missing = [name for name in dict.fromkeys(needed) if name not in header]
    if missing:
        there = ", ".join(name[:40] for name in header[:40])
        raise BenchmarkFileError(f"{path}: the columns {', '.join(missing)} are missing; the header has {there}")
