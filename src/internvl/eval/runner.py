"""The one loop of all benchmarks: ask a batch, score it, write it down; begin where an earlier run was stopped.

    plan -> recipe -> remaining samples -> ask_all -> score_all -> journal -> gather -> aggregate -> Result

Several processes share a run by contiguous shards and one folder. Nobody waits for anybody: the last to finish finds all samples
there and writes the result; the others return an incomplete one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from internvl.eval.asking import ask_all
from internvl.eval.errors import EvalError
from internvl.eval.generator import Generator
from internvl.eval.journal import Journal, check_asked, finished_rows, gather, journal_path
from internvl.eval.judge import Judge, why_unofficial
from internvl.eval.plan import Plan, check_shard, find_choice, read_plan, remaining, shard_range
from internvl.eval.progress import Progress, ProgressCallback
from internvl.eval.recipe import BEGUN, claim, recipe_of
from internvl.eval.results import RESULT_FILE, UNLABELLED, Result, load_result, result_folder, save_result
from internvl.eval.sample import Scored
from internvl.eval.scoring import score_all
from internvl.eval.submission import write_submission
from internvl.eval.task import Protocol, Task

MAX_FAILURES_IN_A_ROW = 50
"""More than this is no accident of single samples: a wrong folder, a service that is down."""


def run_task(
    task: Task,
    generator: Generator,
    *,
    root: Path,
    split: str | None = None,
    variant: str | None = None,
    out: Path,
    limit: int | None = None,
    shard: tuple[int, int] = (0, 1),
    judge: Judge | None = None,
    tiles: int | None = None,
    progress: ProgressCallback | None = None,
    batch_size: int | None = None,
    retry_failed: bool = False,
) -> Result:
    """Run a benchmark, or what is left of it, and store the result below `out`.

    root: the data's folder. split, variant: the task's first ones unless given. limit: only the first samples. shard: (which, of how
    many). tiles: instead of the protocol's limit, in a folder of its own. batch_size: instead of the generator's wish.
    retry_failed: ask samples again that failed in an earlier run.

    Raises BenchmarkFileError for bad data before anything is asked; EvalError for a folder that was begun with another recipe, that
    another process writes to, or when many samples fail in a row. Whatever stops it, the same call goes on from there.
    """
    split, variant = find_choice(task, "splits", split), find_choice(task, "variants", variant)
    check_shard(shard)
    if limit is not None and limit < 1:
        raise EvalError(f"a limit is at least 1, not {limit}")
    protocol = protocol_of(task, variant, tiles)
    plan = read_plan(task, root, split, variant, limit)
    recipe = recipe_of(task, plan, protocol, generator, root=root, variant=variant, judge=judge)
    folder = result_folder(out, task.name, split, variant, tiles=tiles)
    recipe = claim(folder, recipe)
    run = _Run(task, generator, plan, protocol, variant, root, folder, shard, judge)
    started = time.perf_counter()
    asked = run.finish_share(batch_size or generator.batch_size, progress, retry_failed=retry_failed)
    if not asked and (folder / RESULT_FILE).exists() and (earlier := load_result(folder)).limit == limit:
        return earlier
    return _conclude(run, recipe, time.perf_counter() - started, limit)


def protocol_of(task: Task, variant: str, tiles: int | None = None) -> Protocol:
    """The task's protocol, with another number of tiles where one is given. Raises EvalError for an impossible one."""
    protocol = task.variants[variant]
    if tiles is None:
        return protocol
    if tiles < 1:
        raise EvalError(f"a picture has at least 1 tile, not {tiles}")
    return replace(protocol, max_tiles=tiles)


@dataclass
class _Run:
    """One process's part of a run."""

    task: Task
    generator: Generator
    plan: Plan
    protocol: Protocol
    variant: str
    root: Path
    folder: Path
    shard: tuple[int, int]
    judge: Judge | None

    def finish_share(self, batch_size: int, progress: ProgressCallback | None, *, retry_failed: bool) -> int:
        """Ask, score and store what the folder lacks of this shard -> how many samples that were."""
        rows = finished_rows(self.folder)
        check_asked(self.folder, rows, self.plan.ids)
        if retry_failed:
            rows = {name: row for name, row in rows.items() if "error" not in row.score}
        share = shard_range(len(self.plan.ids), self.shard)
        mine = [rows[name] for name in self.plan.ids[share.start : share.stop] if name in rows]
        tally = _Tally(self.task, len(share), progress, mine)
        if len(mine) == len(share):
            return 0
        (self.folder / RESULT_FILE).unlink(missing_ok=True)
        todo = remaining(self.task, self.plan, self.root, self.variant, shard=self.shard, done=rows.keys())
        with Journal(journal_path(self.folder, self.shard)) as journal:
            while batch := list(islice(todo, batch_size)):
                scored = score_all(self.task, ask_all(self.task, self.generator, self.protocol, batch), self.judge)
                journal.append(scored)
                tally.add(scored)
        return len(share) - len(mine)


class _Tally:
    """Counts lines, tells the caller, and stops a run in which nothing works."""

    def __init__(self, task: Task, total: int, progress: ProgressCallback | None, earlier: Sequence[Scored]) -> None:
        self.task, self.total, self.progress = task, total, progress
        self.resumed = len(earlier)
        self.done = self.failed = self.labelled = self.in_a_row = 0
        self.sum = 0.0
        for row in earlier:
            self._count(row)
        self.in_a_row = 0  # what failed in an earlier run says nothing about this one
        self._tell()

    def add(self, rows: Sequence[Scored]) -> None:
        """Count a batch. Raises EvalError after too many failures in a row."""
        for row in rows:
            self._count(row)
        self._tell()
        if self.in_a_row >= MAX_FAILURES_IN_A_ROW:
            raise EvalError(
                f"{self.in_a_row} samples in a row failed, so the run was stopped; the last: {rows[-1].score['error']} "
                "(when the cause is removed, --retry-failed asks them again)"
            )

    def _count(self, row: Scored) -> None:
        failed = "error" in row.score
        self.done += 1
        self.failed += failed
        self.in_a_row = self.in_a_row + 1 if failed else 0
        if row.reference is not None:
            self.labelled += 1
            self.sum += float(row.score["score"])

    def _tell(self) -> None:
        if self.progress is not None:
            score = self.sum / self.labelled * self.task.scale if self.labelled else None
            self.progress(
                Progress(
                    title=self.task.title,
                    done=self.done,
                    total=self.total,
                    failed=self.failed,
                    resumed=self.resumed,
                    score=score,
                )
            )


def _conclude(run: _Run, recipe: Mapping[str, Any], wall_s: float, limit: int | None) -> Result:
    """The result, stored when this process finds all samples there; before it, of a whole split, what can be submitted."""
    rows = gather(run.folder, run.plan.ids)
    result = _result(run, recipe, rows if rows is not None else list(finished_rows(run.folder).values()), wall_s, limit)
    if rows is not None and len(rows) == run.plan.total:
        result = replace(result, submission=write_submission(run.task.submission(rows), run.folder))
    if unlabelled := result.unlabelled:
        result = replace(result, notes=(*result.notes, _blind_note(result, unlabelled)))
    if result.complete:
        save_result(result, run.folder)
    return result


def _result(run: _Run, recipe: Mapping[str, Any], rows: Sequence[Scored], wall_s: float, limit: int | None) -> Result:
    task, complete = run.task, len(rows) == len(run.plan.ids)
    unofficial = why_unofficial(task.judge, run.variant, rows) if complete and task.judge is not None else None
    scores = task.aggregate(rows) if complete else {}
    failed = sum("error" in row.score for row in rows)
    return Result(
        task=task.name,
        title=task.title,
        split=run.plan.split,
        variant=run.variant,
        metric=task.metric,
        scale=task.scale,
        headline=_headline(task, scores) if complete and unofficial is None else None,
        scores={} if unofficial else scores,
        unofficial=scores if unofficial else {},
        samples=len(rows),
        failed=failed,
        total=run.plan.total,
        limit=limit,
        complete=complete,
        recipe=recipe,
        usage=_summed(rows),
        wall_s=round(wall_s, 3),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        published=task.published.get(f"{run.plan.split}/{run.variant}", task.published.get(run.plan.split)),
        notes=tuple(_notes(run, recipe, scores, len(rows), failed, unofficial)),
        folder=run.folder,
    )


def _notes(
    run: _Run, recipe: Mapping[str, Any], scores: Mapping[str, Any], samples: int, failed: int, unofficial: str | None
) -> Iterator[str]:
    if run.protocol.note:
        yield run.protocol.note
    if samples < len(run.plan.ids):
        yield f"{len(run.plan.ids) - samples} of {len(run.plan.ids)} samples have no answer yet; other shards have them to do"
    elif len(run.plan.ids) < run.plan.total:
        yield f"only the first {len(run.plan.ids)} of {run.plan.total} samples: not comparable with published numbers"
    if failed:
        yield f"{failed} of {samples} samples failed and count as wrong; samples.jsonl says why, --retry-failed asks them again"
    if unofficial:
        yield f"no headline: {unofficial}"
    elif scores and scores.get(run.task.metric) is None and not scores.get(UNLABELLED):
        yield f"no headline: these samples give no {run.task.metric}"
    if BEGUN in recipe:
        yield "begun with other versions or another commit than it was finished with; the recipe has both"


def _blind_note(result: Result, unlabelled: int) -> str:
    """What can be done with answers that nobody here can score."""
    which = "the answers of this split are" if unlabelled == result.samples else f"the answers to {unlabelled} samples are"
    if result.submission:
        return f"{which} not published; for the benchmark's server there is {result.submission} beside the result"
    return f"{which} not published" + ("; a run without a limit writes what can be submitted" if result.samples < result.total else "")


def _headline(task: Task, scores: Mapping[str, Any]) -> float | None:
    """The printed number; None where a task says that these samples have none."""
    value = scores.get(task.metric, "nothing")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EvalError(f"{task.name} promises a number {task.metric!r}, but its scores have {value!r:.60} there")
    return float(value) * task.scale


def _summed(rows: Sequence[Scored]) -> dict[str, float]:
    names = dict.fromkeys(name for row in rows for name in row.usage)
    return {name: round(sum(row.usage.get(name, 0) for row in rows), 6) for name in names}
