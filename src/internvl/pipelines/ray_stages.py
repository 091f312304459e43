"""What the actors of a run on Ray do. Nothing here needs Ray: batches are Arrow tables.

only stage   rows of the plan --_Whole--> unit, rows, dropped; the unit's file is written
several      rows of the plan --_First--> unit, samples --_Middle--> unit, samples --_Last--> unit, rows, dropped
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import internvl
from internvl.errors import InternVLError, MissingDependencyError
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.flow import from_bytes, to_bytes
from internvl.pipelines.operator import Operator
from internvl.pipelines.plan import unit_of
from internvl.pipelines.source import Reader
from internvl.pipelines.steps import Clock, Steps
from internvl.pipelines.units import unit_path
from internvl.pipelines.whole_file import PART, whole_file
from internvl.pipelines.worker import Job, UnitDone, Worker, read_chunks, write_chunks

MOST_TRIES = 3
_ERROR_LINE = re.compile(r"[\w.]+(Error|Exception)\b.*: ")


def work_of(place: int, stages: Sequence[Sequence[Operator]], job: Job) -> tuple[type[Any], tuple[Any, ...]]:
    """The class of a stage and the arguments it is made with."""
    if len(stages) == 1:
        return _Whole, (job, internvl.__version__)
    kind = _First if place == 0 else _Last if place == len(stages) - 1 else _Middle
    return kind, (job, stages[place], internvl.__version__)


def cause_of(error: Exception, out: Path) -> InternVLError:
    """The error that a worker noted, or the last one in the text that Ray makes of it."""
    for path in sorted(_error_path(out, 0).parent.glob(f".*.error{PART}")):
        told = json.loads(path.read_text("utf-8"))
        kind = MissingDependencyError if told["kind"] == MissingDependencyError.__name__ else PipelineError
        return kind(told["words"])
    lines = [line.strip() for line in str(error).splitlines() if _ERROR_LINE.match(line.strip())]
    return PipelineError(f"a worker failed: {lines[-1] if lines else type(error).__name__}")


class _Whole:
    """The only stage: units from end to end."""

    def __init__(self, job: Job, version: str) -> None:
        _check_version(version)
        self._job, self._worker = job, Worker(job)

    def __call__(self, batch: Any) -> dict[str, Any]:
        done = []
        for unit in map(unit_of, batch.to_pylist()):
            with _counted(self._job, unit.number):
                done.append(self._worker.do(unit))
        return _told(done)


class _Stage:
    """One of several stages. The first reads, the last writes."""

    def __init__(self, job: Job, operators: Sequence[Operator], version: str) -> None:
        _check_version(version)
        self._job, self._reader, self._steps = job, Reader(job.options), Steps(operators)


class _First(_Stage):
    """Reads units, and its operators."""

    def __call__(self, batch: Any) -> dict[str, Any]:
        import pyarrow

        passed = []
        for unit in map(unit_of, batch.to_pylist()):
            clock = Clock()
            with _counted(self._job, unit.number):
                chunks = read_chunks(self._reader, self._job, unit, clock)
                passed.append(to_bytes((self._steps.apply(chunk, clock) for chunk in chunks), clock))
        return {"unit": batch.column("unit"), "samples": pyarrow.array(passed, pyarrow.large_binary())}


class _Middle(_Stage):
    """Its operators alone."""

    def __call__(self, batch: Any) -> dict[str, Any]:
        import pyarrow

        passed = []
        for number, samples in zip(batch.column("unit").to_pylist(), batch.column("samples"), strict=True):
            chunks, clock = from_bytes(samples.as_py())
            with _counted(self._job, number):
                passed.append(to_bytes((self._steps.apply(chunk, clock) for chunk in chunks), clock))
        return {"unit": batch.column("unit"), "samples": pyarrow.array(passed, pyarrow.large_binary())}


class _Last(_Stage):
    """Its operators, and writes units."""

    def __call__(self, batch: Any) -> dict[str, Any]:
        done = []
        for number, samples in zip(batch.column("unit").to_pylist(), batch.column("samples"), strict=True):
            chunks, clock = from_bytes(samples.as_py())
            with _counted(self._job, number):
                passed = (self._steps.apply(chunk, clock) for chunk in chunks)
                done.append(write_chunks(passed, self._job, number, clock))
        return _told(done)


@contextlib.contextmanager
def _counted(job: Job, number: int) -> Iterator[None]:
    """Ray starts a process that died again, for ever. A unit that brings it down each time is named instead."""
    tries = unit_path(job.out, number).with_name(f".{number:06}.tries{PART}")
    with tries.open("ab") as file:
        if file.tell() >= MOST_TRIES:
            raise PipelineError(f"unit {number} has brought down its worker {MOST_TRIES} times: for want of memory, or in a library")
        file.write(b".")
    try:
        yield
    except Exception as error:
        _note_error(job, number, error)
        raise
    tries.unlink(missing_ok=True)


def _note_error(job: Job, number: int, error: Exception) -> None:
    """Of an error in a worker Ray brings home a long text; ours is put where the run finds it."""
    words = str(error) if isinstance(error, InternVLError) else f"{type(error).__name__}: {error}"
    told = {"kind": type(error).__name__, "words": "; ".join([words, *getattr(error, "__notes__", ())])}
    with whole_file(_error_path(job.out, number)) as file:
        file.write(json.dumps(told).encode())


def _error_path(out: Path, number: int) -> Path:
    return unit_path(out, number).with_name(f".{number:06}.error{PART}")


def _told(done: Sequence[UnitDone]) -> dict[str, Any]:
    import numpy

    return {
        "unit": numpy.asarray([each.number for each in done]),
        "rows": numpy.asarray([each.rows for each in done]),
        "dropped": numpy.asarray([each.dropped for each in done]),
    }


def _check_version(version: str) -> None:
    if internvl.__version__ != version:
        raise PipelineError(
            f"a worker has internvl {internvl.__version__}, the run was started with {version}: install the same everywhere"
        )
