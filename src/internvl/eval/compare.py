"""Runs of the same benchmarks side by side, with paired intervals over the samples that both have, and published scores beside.

    folders -> Run [results] -> compare_runs -> Comparison: a Line a benchmark, in it a Cell a run, and quoted PublishedScores

The first run is what the others are measured against. Nothing is averaged over benchmarks: their scales differ.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from internvl.eval.bootstrap import CONFIDENCE, RESAMPLES, Interval, bootstrap_mean
from internvl.eval.errors import EvalError
from internvl.eval.pairs import Difference, difference, group_of, pair_samples, per_sample_differences, score_of
from internvl.eval.published import PublishedScore
from internvl.eval.recipe_flags import own_flags, published_differences, recipe_differences, tiles_of
from internvl.eval.results import RESULT_FILE, Result, load_result, load_samples
from internvl.eval.sample import Scored
from internvl.eval.shown_score import Unit, benchmark_name, headline_of, published_line, unit_of

Key: TypeAlias = tuple[str, str, str, int | None]


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """How intervals are made. group_by: a key of a sample's `extra`; samples that share its value are drawn together."""

    resamples: int = RESAMPLES
    confidence: float = CONFIDENCE
    seed: int = 0
    group_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Run:
    """A folder with results. name: what columns call it."""

    name: str
    path: Path
    results: tuple[Result, ...]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One run on one benchmark. mean: its samples' mean score with interval, difference: against the first run (None for the first,
    or without common samples). Both are in sample scores; times `unit.factor` they are in the line's unit.
    """

    run: str
    result: Result
    mean: Interval | None
    unit: Unit
    difference: Difference | None = None
    left_out: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One benchmark. cells: one a run, None where it was not run. published: quoted scores. flags: what the reader must know."""

    name: str
    metric: str
    cells: tuple[Cell | None, ...]
    published: tuple[PublishedScore, ...]
    flags: tuple[str, ...]

    def published_of(self, model: str) -> PublishedScore | None:
        """The quoted score of a model on this benchmark."""
        return next((score for score in self.published if score.model == model), None)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All lines, in the order in which the runs have the benchmarks. models: whose published scores were asked for."""

    runs: tuple[Run, ...]
    lines: tuple[Line, ...]
    models: tuple[str, ...]
    statistics: Statistics


def load_run(path: Path) -> Run:
    """A folder of one result, or of folders of results. Raises EvalError where there is none."""
    if not path.is_dir():
        raise EvalError(f"{path} is no folder; expected the folder that `internvl eval` wrote, or one result in it")
    single = path / RESULT_FILE
    files = [single] if single.is_file() else sorted(path.glob(f"*/{RESULT_FILE}"), key=_in_order)
    if not files:
        raise EvalError(
            f"{path} holds no {RESULT_FILE}, neither itself nor in a folder; expected the folder that `internvl eval` wrote"
        )
    return Run(name=path.resolve().name, path=path, results=tuple(load_result(file) for file in files))


def load_runs(paths: Sequence[Path]) -> tuple[Run, ...]:
    """Several runs; those with the same folder name are told apart by their place on the command line."""
    runs = [load_run(path) for path in paths]
    names = Counter(run.name for run in runs)
    return tuple(
        run if names[run.name] == 1 else Run(name=f"{run.name} ({place})", path=run.path, results=run.results)
        for place, run in enumerate(runs, start=1)
    )


def compare_runs(runs: Sequence[Run], *, models: Sequence[str] = (), statistics: Statistics | None = None) -> Comparison:
    """Set runs side by side; `models` are the published ones to quote. Reads one benchmark's samples at a time.

    Raises EvalError for a damaged folder, a sample that one run has twice, or an unknown `group_by`.
    """
    settings = statistics or Statistics()
    lines = tuple(_line(name, results, runs, models, settings) for name, results in _matched(runs))
    return Comparison(runs=tuple(runs), lines=lines, models=tuple(models), statistics=settings)


def all_differences(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Every sample that a run scored otherwise than the first: benchmark and the two runs, then as `per_sample_differences`."""
    for line in comparison.lines:
        first, *others = line.cells
        for other in others:
            if first is not None and other is not None:
                pairs = pair_samples(_samples(first.result), _samples(other.result))
                for row in per_sample_differences(pairs):
                    yield {"benchmark": line.name, "runs": [first.run, other.run], **row}


def _in_order(path: Path) -> list[tuple[str, int]]:
    """By name, with numbers as numbers: 6 tiles before 12."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D+)(\d{0,9})", str(path))]


def _matched(runs: Sequence[Run]) -> list[tuple[str, list[Result | None]]]:
    """For each line, its name and the result of each run.

    Where every run has one result of a benchmark and split, these are a line even if variants or tiles differ: that is what is being
    compared. Where a run has several, a line is one variant and tile limit.
    """
    several = {key[:2] for run in runs for key, count in Counter(_key(each)[:2] for each in run.results).items() if count > 1}
    lines: dict[tuple[Any, ...], tuple[str, list[Result | None]]] = {}
    for place, run in enumerate(runs):
        for result in run.results:
            split = _key(result)[:2] in several
            key: tuple[Any, ...] = _key(result) if split else _key(result)[:2]
            while key in lines and lines[key][1][place] is not None:
                key = (*key, "again")  # the same recipe, alone and within a tile ablation
            tiles = tiles_of(result)
            limit = f", {tiles} tile{'s' * (tiles > 1)}" if split and tiles is not None else ""
            name = benchmark_name(result, variant=True) + limit
            lines.setdefault(key, (name, [None] * len(runs)))[1][place] = result
    return list(lines.values())


def _key(result: Result) -> Key:
    return result.task, result.split, result.variant, tiles_of(result)


def _line(name: str, results: Sequence[Result | None], runs: Sequence[Run], models: Sequence[str], settings: Statistics) -> Line:
    samples = [None if result is None else _samples(result) for result in results]
    baseline = samples[0]
    cells = tuple(
        None if result is None or rows is None else _cell(run.name, result, rows, baseline if place else None, settings)
        for place, (run, result, rows) in enumerate(zip(runs, results, samples, strict=True))
    )
    there = [cell for cell in cells if cell is not None]
    line = published_line(there[0].result)
    quoted = () if line is None else tuple(score for score in (line.of(model) for model in models) if score is not None)
    return Line(name=name, metric=there[0].result.metric, cells=cells, published=quoted, flags=tuple(_flags(there, quoted)))


def _cell(name: str, result: Result, rows: Sequence[Scored], baseline: Sequence[Scored] | None, settings: Statistics) -> Cell:
    scores = [score_of(row) for row in rows]
    unit = unit_of(result, math.fsum(scores) / max(1, len(scores)), len(scores))
    groups = None if settings.group_by is None else [group_of(row, settings.group_by) for row in rows]
    resamples, confidence, seed = settings.resamples, settings.confidence, settings.seed
    mean = bootstrap_mean(scores, groups=groups, resamples=resamples, confidence=confidence, seed=seed) if scores else None
    if baseline is None:
        return Cell(run=name, result=result, mean=mean, unit=unit)
    pairs = pair_samples(baseline, rows)
    against = None
    if len(pairs):
        against = difference(pairs, group_by=settings.group_by, resamples=resamples, confidence=confidence, seed=seed)
    return Cell(run=name, result=result, mean=mean, unit=unit, difference=against, left_out=pairs.left_out)


def _samples(result: Result) -> list[Scored]:
    if result.folder is None:
        raise EvalError(f"the result of {result.task} was not loaded from a folder, so its samples can't be found")
    rows = load_samples(result.folder)
    # A sample whose right answer is not published has the score 0, which says nothing about the model.
    return [row for row in rows if row.reference is not None] if result.unlabelled else rows


def _flags(cells: Sequence[Cell], quoted: Sequence[PublishedScore]) -> list[str]:
    """Sentences, each once, with everyone it is about in front: "before, after: ..."."""
    about: dict[str, list[str]] = {}
    for names, flag in _single_flags(cells, quoted):
        about.setdefault(flag, []).extend(name for name in names if name not in about.get(flag, ()))
    order = [*(cell.run for cell in cells), *(score.model for score in quoted)]
    return [f"{', '.join(sorted(names, key=order.index))}: {flag}" for flag, names in about.items()]


def _single_flags(cells: Sequence[Cell], quoted: Sequence[PublishedScore]) -> Iterator[tuple[tuple[str, ...], str]]:
    first = cells[0]
    for cell in cells:
        yield from (((cell.run,), flag) for flag in own_flags(cell.result))
        if not cell.unit.exact and cell.mean is not None and headline_of(cell.result) is not None:
            yield (cell.run,), "the headline is no mean over samples; intervals and differences are of the mean sample score in percent"
    for cell in cells[1:]:
        yield from (((first.run, cell.run), flag) for flag in recipe_differences(first.result, cell.result))
        if cell.left_out:
            yield (first.run, cell.run), f"not compared are {cell.left_out}"
    for score in quoted:
        yield from (((cell.run, score.model), flag) for cell in cells for flag in published_differences(cell.result, score))
