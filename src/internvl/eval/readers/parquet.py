"""Parquet benchmark files, as MMMU is published: columns of plain values, pictures as {bytes, path}. Needs pyarrow.

row groups, a batch of rows at a time --> (row number from 1, {column: value})
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from internvl.errors import MissingDependencyError
from internvl.eval.errors import BenchmarkFileError
from internvl.eval.readers.tsv import check_new

_BATCH = 32  # rows held at once; a row of MMMU may carry seven pictures


def read_parquet(path: Path, columns: Sequence[str] = (), *, key: str | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number, {column: value}) of each row of a Parquet file.

    columns: those that must be there; all columns are read. key: the column whose values must all differ.
    Raises BenchmarkFileError for a damaged file, missing columns, repeated keys; MissingDependencyError without pyarrow.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError("reading Parquet files needs pyarrow: pip install 'internvl[data]'") from error
    seen: dict[str, int] = {}
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow.names, (*columns, *((key,) if key else ())))
            for batch in file.iter_batches(batch_size=_BATCH, use_threads=False):
                for record in batch.to_pylist():
                    number += 1
                    if key is not None:
                        check_new(path, number, key, record[key], seen)
                    yield number, record
    except (pyarrow.ArrowException, OSError) as error:
        raise BenchmarkFileError(f"{path}, after row {number}: can't be read as Parquet: {' '.join(str(error).split())}") from error
    if number == 0:
        raise BenchmarkFileError(f"{path} has no rows")


def _check_columns(path: Path, names: Sequence[str], needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in names]
    if missing:
        raise BenchmarkFileError(f"{path}: the columns {', '.join(missing)} are missing; there are {', '.join(names)}")
