"""CSV files with a header: row by row, every one of them or an error."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from internvl.eval.errors import BenchmarkFileError
from internvl.eval.readers.cells import Row


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Rows from 1, the header not counted. Raises BenchmarkFileError for a file that lacks a column or has no rows, or is no CSV."""
    number = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, fields in enumerate(csv.DictReader(file, strict=True), start=1):
                if number == 1 and (missing := [name for name in columns if name not in fields]):
                    raise BenchmarkFileError(f"{path}: the columns {', '.join(columns)} are expected; {', '.join(missing)} is missing")
                yield Row(path, number, fields)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchmarkFileError(f"{path}, after row {number}: can't be read as CSV: {error}") from error
    if not number:
        raise BenchmarkFileError(f"{path} has no rows; the columns {', '.join(columns)} are expected")
