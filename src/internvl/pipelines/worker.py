"""What one worker does with a unit, in this process or in another on another machine.

Unit --read--> Sample[n] in chunks of bounded size --operators--> UnitTable --> units/000123.parquet
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from internvl.pipelines.operator import Operator
from internvl.pipelines.plan import Unit
from internvl.pipelines.reading.slices import ReadOptions
from internvl.pipelines.source import InputFile, Reader
from internvl.pipelines.steps import Clock, Sample, Steps
from internvl.pipelines.units import UnitTable, added_columns

CHUNK_BYTES = 256 << 20
"""Pictures of a unit that are in memory at a time, still encoded. Where chunks end depends on the input alone."""

READING = "(read)"
"""The step that is no operator, in the times of a unit."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run as its workers need it."""

    files: tuple[InputFile, ...]
    options: ReadOptions
    operators: tuple[Operator, ...]
    out: Path
    keep_images: bool


@dataclass(frozen=True)
class UnitDone:
    """What became of a unit. rows, dropped: of its table."""

    number: int
    rows: int
    dropped: int


class Worker:
    """Does units from end to end."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._reader = Reader(job.options)
        self._steps = Steps(job.operators)

    def do(self, unit: Unit) -> UnitDone:
        """Read a unit, apply all operators, write its file."""
        clock = Clock()
        chunks = read_chunks(self._reader, self._job, unit, clock)
        return write_chunks((self._steps.apply(chunk, clock) for chunk in chunks), self._job, unit.number, clock)

    def close(self) -> None:
        """Let go of open files."""
        self._reader.close()


def read_chunks(reader: Reader, job: Job, unit: Unit, clock: Clock) -> Iterator[list[Sample]]:
    """The samples of a unit, at most CHUNK_BYTES of pictures at a time (or one picture)."""
    rows = reader.items(job.files[unit.file], unit.part)
    while True:
        with clock.of(READING):
            chunk = _chunk(Sample(item, drop) for item, drop in rows)
        clock.items[READING] += len(chunk)
        if not chunk:
            return
        yield chunk


def write_chunks(chunks: Iterator[list[Sample]], job: Job, number: int, clock: Clock) -> UnitDone:
    """Write the file of a unit; only what the table keeps of a chunk stays in memory."""
    table = UnitTable(added_columns(job.operators), keep_images=job.keep_images)
    for chunk in chunks:
        table.add(chunk)
    table.write(job.out, number, clock)
    return UnitDone(number, len(table), table.dropped)


def _chunk(samples: Iterator[Sample]) -> list[Sample]:
    chunk: list[Sample] = []
    size = 0
    for sample in samples:
        chunk.append(sample)
        size += len(sample.item.image or b"")
        if size >= CHUNK_BYTES:
            break
    return chunk
