"""Which unit of a run reads which rows, kept in the run's folder so that inputs are looked through once.

    InputFile[F] --cut--> Slice --> plan.parquet: unit, file, first, rows, start, end, places, names, fault

A plan is a table, not objects: a hundred thousand units are some megabytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from internvl.pipelines.errors import PipelineError
from internvl.pipelines.reading.slices import ReadOptions, Slice
from internvl.pipelines.source import InputFile, Reader
from internvl.pipelines.whole_file import whole_file

PLAN_FILE = "plan.parquet"
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Unit:
    """What one worker does at a time and one file of results holds. file: which of the inputs."""

    number: int
    file: int
    part: Slice


class Plan:
    """The units of a run by number."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def unit(self, number: int) -> Unit:
        """The unit of that number, from 0."""
        if not 0 <= number < len(self):
            raise IndexError(f"there are {len(self)} units, none of number {number}")
        return unit_of(self._table.slice(number, 1).to_pylist()[0])

    def tables(self, numbers: Sequence[int], most: int) -> list[Any]:
        """The rows of the plan for these units, in at most `most` tables of alike many, in their order."""
        import pyarrow

        chosen = self._table.take(pyarrow.array(numbers, pyarrow.int64()))
        size = -(-len(numbers) // most)
        return [chosen.slice(first, size).combine_chunks() for first in range(0, len(numbers), size)]

    def rows_of_units(self) -> list[int]:
        """How many rows of its input each unit covers."""
        rows: list[int] = self._table.column("rows").to_pylist()
        return rows

    def rows_of_files(self, files: int) -> list[int]:
        """How many rows each input has."""
        rows = [0] * files
        for file, count in zip(self._table.column("file").to_pylist(), self.rows_of_units(), strict=True):
            rows[file] += count
        return rows

    def faults(self) -> list[tuple[int, str]]:
        """Inputs that can't be read to their end, and why."""
        found = zip(self._table.column("file").to_pylist(), self._table.column("fault").to_pylist(), strict=True)
        return [(file, fault) for file, fault in found if fault is not None]


def make_plan(files: Sequence[InputFile], options: ReadOptions, unit_rows: int, folder: Path) -> Plan:
    """Look through all inputs once and write the plan. Raises PipelineError when none of them can be read."""
    import pyarrow.parquet

    reader, schema = Reader(options), _schema()
    with whole_file(folder / PLAN_FILE) as stream, pyarrow.parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        rows = (_row(unit) for unit in _units(reader, files, unit_rows))
        while batch := list(islice(rows, _ROWS_AT_ONCE)):
            writer.write_table(pyarrow.Table.from_pylist(batch, schema=schema))
    plan = read_plan(folder)
    faults = plan.faults()
    if faults and len(faults) == len(plan):
        raise PipelineError(f"none of the {len(files)} inputs can be read; the first, {files[faults[0][0]].path}: {faults[0][1]}")
    return plan


def read_plan(folder: Path) -> Plan:
    """The plan that was written. Raises PipelineError when there is none or it is damaged."""
    import pyarrow
    import pyarrow.parquet

    try:
        return Plan(pyarrow.parquet.read_table(folder / PLAN_FILE))
    except (pyarrow.ArrowException, OSError) as error:
        told = " ".join(str(error).split())
        raise PipelineError(f"{folder / PLAN_FILE} can't be read ({told}); begin the run anew with restart") from error


def _units(reader: Reader, files: Sequence[InputFile], unit_rows: int) -> Iterator[Unit]:
    number = 0
    for index, file in enumerate(files):
        for part in reader.cut(file, unit_rows):
            yield Unit(number, index, part)
            number += 1


def _schema() -> Any:
    import pyarrow as pa

    whole, binaries = pa.int64(), pa.list_(pa.binary())
    columns = [("unit", whole), ("file", pa.int32()), ("first", whole), ("rows", whole), ("start", whole), ("end", whole)]
    return pa.schema([*columns, ("places", pa.list_(whole)), ("names", binaries), ("fault", pa.string())])


def _row(unit: Unit) -> dict[str, Any]:
    part = unit.part
    return {
        "unit": unit.number,
        "file": unit.file,
        **{name: getattr(part, name) for name in ("first", "rows", "start", "end", "places", "fault")},
        # Names of files are bytes, not always text.
        "names": [os.fsencode(name) for name in part.names],
    }


def unit_of(row: dict[str, Any]) -> Unit:
    """The unit in a row of the plan."""
    part = Slice(
        **{name: row[name] for name in ("first", "rows", "start", "end", "fault")},
        places=tuple(row["places"]),
        names=tuple(os.fsdecode(name) for name in row["names"]),
    )
    return Unit(row["unit"], row["file"], part)
