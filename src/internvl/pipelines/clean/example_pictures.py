"""The pictures of a few samples of a run, read from its inputs again: runs do not keep pictures.

row numbers in the run --plan: unit, offset--> the row of its input --> bytes of the picture's file
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from internvl.pipelines.errors import PipelineError
from internvl.pipelines.folder import read_state
from internvl.pipelines.plan import read_plan
from internvl.pipelines.reading.slices import ReadOptions
from internvl.pipelines.rows import item_of
from internvl.pipelines.source import InputFile, Reader


def read_pictures(out: Path, rows: Iterable[int], unit_rows: Sequence[int]) -> dict[int, bytes]:
    """Row number -> the picture's file; rows without a readable one, or beyond the run, are absent. unit_rows: of each unit's table."""
    starts = [0, *accumulate(unit_rows)]
    wanted: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        if 0 <= row < starts[-1]:
            wanted[bisect_right(starts, row) - 1].add(row)
    return {row: content for unit, inside in sorted(wanted.items()) for row, content in _read(out, unit, starts[unit], inside)}


def _read(out: Path, number: int, start: int, wanted: set[int]) -> Iterator[tuple[int, bytes]]:
    """Of one unit: its input rows stand in the order of its table."""
    state = read_state(out)
    if state is None:
        raise PipelineError(f"{out} holds no run")
    unit = read_plan(out).unit(number)
    file, options = InputFile(**state["files"][unit.file]), replace(ReadOptions(**state["reading"]), images=True)
    reader = Reader(options)
    for row, each in enumerate(reader.rows(file, unit.part), start=start):
        if row in wanted:
            item, drop = item_of(each, Path(file.root), options)
            if drop is None and item.image is not None:
                yield row, item.image
    reader.close()
