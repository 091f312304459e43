"""One call from inputs to a folder of finished units; the same call after a kill goes on where it stopped.

RunConfig, operators -> plan -> units not done yet -> this process | Ray Data -> units/*.parquet -> ledger.jsonl, RunReport
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from internvl.errors import MissingDependencyError
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.folder import check_same, clear, only_one, read_state, write_state
from internvl.pipelines.ledger_file import LEDGER_FILE, write_drops
from internvl.pipelines.local import work_here
from internvl.pipelines.operator import Operator
from internvl.pipelines.plan import PLAN_FILE, Plan, make_plan, read_plan
from internvl.pipelines.reading.slices import ReadOptions
from internvl.pipelines.source import InputFile, find_inputs, input_facts
from internvl.pipelines.units import UNITS, added_columns, is_done
from internvl.pipelines.whole_file import remove_parts
from internvl.pipelines.worker import Job, UnitDone


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What a run reads, where it writes and who works.

    inputs: data files, patterns of them, meta files, folders of pictures. root: where paths of media start, instead of beside
    their file. text_field, image_field: names of the caption's and the picture's field, where they have none of the usual ones.
    unit_rows: rows of one unit, which is what a kill can cost each worker. workers: processes. address: a Ray cluster, "auto" for
    the one this machine is part of. restart: delete what the folder holds of an earlier run. keep_images: store each picture with
    its row, which shards of made pictures (pages of a PDF) need. images: open pictures at all. documents: take PDFs for pictures.
    max_file_bytes: of a picture's file, max_record_bytes: of a line or text; what is larger is dropped unread.
    """

    inputs: tuple[str | Path, ...]
    out: Path
    root: str | Path | None = None
    text_field: str | None = None
    image_field: str | None = None
    unit_rows: int = 256
    workers: int = 1
    address: str | None = None
    restart: bool = False
    keep_images: bool = False
    images: bool = True
    documents: bool = False
    max_file_bytes: int = ReadOptions.max_file_bytes
    max_record_bytes: int = ReadOptions.max_record_bytes


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """How far a run is. Rows are the input's; rows_before were done by earlier calls. dropped: since this call began."""

    rows: int
    rows_done: int
    rows_before: int
    units: int
    units_done: int
    dropped: int


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """What a run gave. rows: of the result, where one of the input may have become several; by_kind: dropped rows by kind of reason.

    units_before: units that earlier calls had done. seconds: of this call.
    """

    out: Path
    rows: int
    kept: int
    dropped: int
    by_kind: dict[str, int]
    units: int
    units_before: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**self.__dict__, "out": str(self.out)}


def run(config: RunConfig, operators: Sequence[Operator], *, progress: Callable[[RunProgress], None] | None = None) -> RunReport:
    """Pass every row of the inputs through the operators and write the units that are not there yet.

    progress: called at the start and after each unit. Raises PipelineError for inputs, settings, or the folder of another run;
    MissingDependencyError without pyarrow, or without Ray where more than this process is asked for; and what operators raise.
    """
    _check(config, operators)
    began = time.perf_counter()
    options = _options(config)
    files = find_inputs(config.inputs, options, root=config.root)
    (config.out / UNITS).mkdir(parents=True, exist_ok=True)
    with only_one(config.out):
        plan = _prepared(config, operators, files, options)
        pending = [number for number in range(len(plan)) if not is_done(config.out, number)]
        job = Job(files=files, options=options, operators=tuple(operators), out=config.out.absolute(), keep_images=config.keep_images)
        _work(config, job, plan, pending, progress)
        counts = write_drops(config.out)
    return RunReport(
        out=config.out,
        rows=counts.rows,
        kept=counts.rows - counts.dropped,
        dropped=counts.dropped,
        by_kind=counts.by_kind,
        units=len(plan),
        units_before=len(plan) - len(pending),
        seconds=time.perf_counter() - began,
    )


def _check(config: RunConfig, operators: Sequence[Operator]) -> None:
    names = [operator.name for operator in operators]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise PipelineError(f"two operators are called {twice!r}: names must differ")
    for operator in operators:
        settings = operator.settings()  # weights that are missing say so themselves
        try:
            json.dumps(settings)
        except (TypeError, ValueError) as error:
            raise PipelineError(f"the settings of the operator {operator.name!r} are no JSON: {error}") from error
    for what in ("unit_rows", "workers", "max_file_bytes", "max_record_bytes"):
        if getattr(config, what) < 1:
            raise PipelineError(f"{what} must be 1 or more, not {getattr(config, what)}")
    added_columns(operators)
    _check_libraries(config)


def _check_libraries(config: RunConfig) -> None:
    """Before an hour of looking through inputs, not behind it."""
    wanted = ["pyarrow", *(["ray"] if config.workers > 1 or config.address is not None else [])]
    for name in wanted:
        if importlib.util.find_spec(name) is None:
            what = "pipelines need pyarrow" if name == "pyarrow" else "several workers, or a cluster, need Ray"
            raise MissingDependencyError(f"{what}: pip install 'internvl[pipelines]'")


def _options(config: RunConfig) -> ReadOptions:
    return ReadOptions(
        text_field=config.text_field,
        image_field=config.image_field,
        images=config.images,
        documents=config.documents,
        max_file_bytes=config.max_file_bytes,
        max_record_bytes=config.max_record_bytes,
    )


def _prepared(config: RunConfig, operators: Sequence[Operator], files: tuple[InputFile, ...], options: ReadOptions) -> Plan:
    """The plan of the folder's run, made if this is the first call. Raises PipelineError when the folder holds another run."""
    for place in (config.out, config.out / UNITS):
        remove_parts(place)
    if config.restart:
        clear(config.out, (UNITS, PLAN_FILE, LEDGER_FILE))
    asked, state = _asked(config, operators, files, options), read_state(config.out)
    if state is not None:
        check_same(config.out, asked, state)
        return read_plan(config.out)
    if any((config.out / UNITS).iterdir()):
        raise PipelineError(f"{config.out / UNITS} holds files of a run whose run.json is gone; begin anew with restart")
    plan = make_plan(files, options, config.unit_rows, config.out)
    rows = plan.rows_of_files(len(files))
    write_state(
        config.out, {**asked, "units": len(plan), "rows": sum(rows), "rows_of_inputs": rows, "files": [file.__dict__ for file in files]}
    )
    return plan


def _asked(config: RunConfig, operators: Sequence[Operator], files: Sequence[InputFile], options: ReadOptions) -> dict[str, Any]:
    """All that the result depends on."""
    return {
        "inputs": [{"dataset": file.dataset, "path": file.path, "kind": file.kind, **input_facts(file, options)} for file in files],
        "root": None if config.root is None else str(config.root),
        "reading": dict(options.__dict__),
        "unit_rows": config.unit_rows,
        "keep_images": config.keep_images,
        "operators": [{"name": each.name, "columns": dict(each.columns()), "settings": each.settings()} for each in operators],
    }


def _work(config: RunConfig, job: Job, plan: Plan, pending: Sequence[int], progress: Callable[[RunProgress], None] | None) -> None:
    """Do the pending units and tell about each."""
    rows = plan.rows_of_units()
    total, left = sum(rows), sum(rows[number] for number in pending)
    before, units_before = total - left, len(plan) - len(pending)
    done = RunProgress(rows=total, rows_done=before, rows_before=before, units=len(plan), units_done=units_before, dropped=0)
    if progress is not None:
        progress(done)
    for unit in _executed(config, job, plan, pending):
        done = RunProgress(
            rows=total,
            rows_done=done.rows_done + rows[unit.number],
            rows_before=before,
            units=len(plan),
            units_done=done.units_done + 1,
            dropped=done.dropped + unit.dropped,
        )
        if progress is not None:
            progress(done)


def _executed(config: RunConfig, job: Job, plan: Plan, pending: Sequence[int]) -> Iterator[UnitDone]:
    if config.workers == 1 and config.address is None:
        return work_here(job, plan, pending)
    from internvl.pipelines.ray import work_on_ray

    return work_on_ray(job, plan, pending, workers=config.workers, address=config.address)
