"""The chosen rows of a run, and each with its pictures.

units/*.parquet + choice --chosen_lines--> Line: unit, place, columns --SampleReader--> ShardSample: text, fields, added, images
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

from internvl.data.record import Origin
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop
from internvl.pipelines.plan import Unit, read_plan
from internvl.pipelines.reading.slices import ReadOptions
from internvl.pipelines.rows import Row, picture_content
from internvl.pipelines.source import InputFile, Reader
from internvl.pipelines.units import OWN_COLUMNS, read_units, unit_path

# File and row of a sample; with a third number one of several that the row became.
Chosen: TypeAlias = tuple[str, int] | tuple[str, int, int]


@dataclass(frozen=True)
class Line:
    """A chosen row: where it stands in the table of its unit, and its columns but the picture. alone: its row became one sample."""

    unit: int
    place: int
    columns: dict[str, Any]
    alone: bool


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture's file. path: where it is a file of its own, absolute."""

    content: bytes
    path: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ShardSample:
    """A sample as shards hold it. added: the columns of the run's operators."""

    origin: Origin
    sub: int
    text: str
    fields: dict[str, Any]
    added: dict[str, Any]
    images: tuple[Picture, ...]


@dataclass(frozen=True)
class LeftOut:
    """A chosen row whose pictures can't be read again."""

    origin: Origin
    reason: str


def chosen_lines(run: Path, state: dict[str, Any], rows: Iterable[Chosen] | None) -> Iterator[Line]:
    """The chosen rows in their order; with None all that were not dropped. Raises PipelineError for a choice that can't be met."""
    choice = None if rows is None else iter(rows)
    wanted = None if choice is None else next(choice, None)
    for same in _rows_of_run(run, state):
        if choice is None:
            yield from (line for line in same if line.columns["dropped"] is None)
            continue
        if wanted is None:
            return
        while wanted is not None and wanted[:2] == (same[0].columns["file"], same[0].columns["row"]):
            yield from _taken(same, wanted)
            last, wanted = wanted, next(choice, None)
            if last == wanted:
                raise PipelineError(f"the row {wanted} is chosen twice: it would be doubled")
    if wanted is not None:
        raise PipelineError(f"the chosen row {wanted} is not in the run {run}, or stands out of its order")


class SampleReader:
    """Chosen rows with their pictures, which the run kept, or which are read again from the input."""

    def __init__(self, run: Path, state: dict[str, Any]) -> None:
        self.added = {name: kind for each in state["operators"] for name, kind in each["columns"].items()}
        self._run, self._kept, self._plan = run, bool(state["keep_images"]), read_plan(run)
        self._files = [InputFile(**each) for each in state["files"]]
        self._options = replace(ReadOptions(**state["reading"]), images=True)
        self._reader = Reader(self._options)

    def read(self, lines: Sequence[Line]) -> Iterator[ShardSample | LeftOut]:
        """The samples in order; with pictures of the input's, one in memory at a time."""
        for number, group in groupby(lines, key=lambda line: line.unit):
            lines_of_unit = list(group)
            images = self._own(number, lines_of_unit) if self._kept else self._again(self._plan.unit(number), lines_of_unit)
            for line, pictures in images:
                yield LeftOut(_origin(line), pictures.reason) if isinstance(pictures, Drop) else self._sample(line, pictures)

    def _own(self, number: int, lines: Iterable[Line]) -> Iterator[tuple[Line, tuple[Picture, ...]]]:
        import pyarrow.parquet

        with pyarrow.parquet.ParquetFile(unit_path(self._run, number)) as file:
            column = file.read(columns=["image"]).column("image")
        for line in lines:
            content = column[line.place].as_py()
            yield line, () if content is None else (Picture(content=content),)

    def _again(self, unit: Unit, lines: Iterable[Line]) -> Iterator[tuple[Line, tuple[Picture, ...] | Drop]]:
        file = self._files[unit.file]
        rows = self._reader.rows(file, unit.part)
        for line in lines:
            place = (line.columns["file"], line.columns["row"])
            row = next((row for row in rows if (row.origin.file, row.origin.row) == place), None)
            yield line, self._pictures(line, row, Path(file.root))

    def _pictures(self, line: Line, row: Row | None, root: Path) -> tuple[Picture, ...] | Drop:
        if row is None or row.drop is not None:
            return Drop("missing row: it was there when the run read it") if row is None or row.drop is None else row.drop
        if row.images and not line.alone:
            told = "became several samples; their pictures are there only if the run keeps them (keep_images)"
            raise PipelineError(f"{_origin(line)} {told}")
        found = []
        for source in row.images:
            content = picture_content(source, root, self._options)
            if isinstance(content, Drop):
                return content
            found.append(Picture(content=content, path=root / source if isinstance(source, Path) else None))
        return tuple(found)

    def _sample(self, line: Line, images: tuple[Picture, ...]) -> ShardSample:
        columns = line.columns
        return ShardSample(
            origin=_origin(line),
            sub=columns["sub"],
            text=columns["text"],
            fields=json.loads(columns["fields"]),
            added={name: _value(columns[name], kind) for name, kind in self.added.items()},
            images=images,
        )


def _origin(line: Line) -> Origin:
    return Origin(line.columns["dataset"], line.columns["file"], line.columns["row"])


def _rows_of_run(run: Path, state: dict[str, Any]) -> Iterator[list[Line]]:
    """The samples that each row of the input became."""
    names = [name for name in OWN_COLUMNS if name != "image"] + [name for each in state["operators"] for name in each["columns"]]
    for unit, table in enumerate(read_units(run, columns=names)):
        rows = enumerate(table.to_pylist())
        for _, group in groupby(rows, key=lambda row: (row[1]["file"], row[1]["row"])):
            same = list(group)
            yield [Line(unit, place, columns, len(same) == 1) for place, columns in same]


def _taken(same: Sequence[Line], wanted: Chosen) -> list[Line]:
    picked = [line for line in same if len(wanted) == 2 or line.columns["sub"] == wanted[2]]
    good = [line for line in picked if line.columns["dropped"] is None]
    if not good:
        why = f"was dropped by the run ({picked[0].columns['dropped']})" if picked else "is not in the run"
        raise PipelineError(f"the chosen row {wanted} {why}")
    return good


def _value(value: Any, kind: str) -> Any:
    return json.loads(value) if kind == "json" and value is not None else value
