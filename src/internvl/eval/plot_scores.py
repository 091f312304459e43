"""Scores over benchmarks as bars or as a radar: our runs filled, published models hatched or dashed, never in one series.

    Comparison -> Series [(name, value of 100 a benchmark)] -> PNG, SVG or PDF

Every benchmark is rescaled to at most 100 (OCRBench by 10, MME by 28); the number written at a bar is the one that is printed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from internvl.eval.compare import Cell, Comparison, Line
from internvl.eval.errors import EvalError
from internvl.eval.plot_figure import colour, figure_for, label
from internvl.eval.shown_score import best_score, headline_of, published_value

KINDS = ("auto", "bars", "radar")
FEWEST_SPOKES = 3
MOST_SPOKES = 24
MOST_WRITTEN = 60


@dataclass(frozen=True, kw_only=True)
class Series:
    """One run or published model. values: of 100 for each benchmark, None where there is none; texts: as printed.

    errors: how far the interval reaches below and above, where it is the headline's.
    """

    name: str
    values: tuple[float | None, ...]
    texts: tuple[str, ...]
    errors: tuple[tuple[float, float] | None, ...]
    published: bool


def plot_scores(comparison: Comparison, path: Path, *, kind: str = "auto") -> None:
    """Draw all benchmarks of a comparison; "auto" is a radar from five benchmarks that every run has, else bars.

    Raises EvalError where no run has a number, or for a radar of fewer than three spokes; MissingDependencyError without matplotlib.
    """
    if kind not in KINDS:
        raise EvalError(f"scores are drawn as {', '.join(KINDS)}, not {kind!r:.40}")
    names, series = series_of(comparison)
    if not names:
        raise EvalError("there is no score to plot: no run is finished or judged")
    if kind == "radar" and not FEWEST_SPOKES <= len(names) <= MOST_SPOKES:
        raise EvalError(f"a radar needs {FEWEST_SPOKES} to {MOST_SPOKES} benchmarks, not {len(names)}; bars take any number")
    whole = all(value is not None for each in series if not each.published for value in each.values)
    if kind == "radar" or (kind == "auto" and whole and 5 <= len(names) <= MOST_SPOKES):
        _radar(names, series, path)
    else:
        _bars(names, series, path)


def series_of(comparison: Comparison) -> tuple[list[str], list[Series]]:
    """The benchmarks with a number, and a series a run, then one a published model."""
    lines = [line for line in comparison.lines if any(cell and headline_of(cell.result) is not None for cell in line.cells)]
    series = [_of_run(lines, place, run.name) for place, run in enumerate(comparison.runs)]
    quoted = [_of_model(lines, model) for model in comparison.models]
    return [line.name for line in lines], series + [each for each in quoted if any(v is not None for v in each.values)]


def _of_run(lines: Sequence[Line], place: int, name: str) -> Series:
    values, texts, errors = [], [], []
    for line in lines:
        cell = line.cells[place]
        score = None if cell is None else headline_of(cell.result)
        factor = 100 / _best(line)
        values.append(None if score is None else score * factor)
        official = cell is not None and cell.result.headline is not None
        texts.append("" if score is None else _number(score) if official else f"({_number(score)})")
        errors.append(_reach(cell, factor))
    return Series(name=name, values=tuple(values), texts=tuple(texts), errors=tuple(errors), published=False)


def _of_model(lines: Sequence[Line], model: str) -> Series:
    cells = [line.published_of(model) for line in lines]
    results = [next(each.result for each in line.cells if each) for line in lines]
    scores = [None if cell is None else published_value(result, cell) for result, cell in zip(results, cells, strict=True)]
    values = tuple(
        None if score is None or cell is None else 100 * score / cell.best for score, cell in zip(scores, cells, strict=True)
    )
    texts = tuple("" if score is None else _number(score) for score in scores)
    return Series(name=f"{model}, published", values=values, texts=texts, errors=(None,) * len(lines), published=True)


def _reach(cell: Cell | None, factor: float) -> tuple[float, float] | None:
    if cell is None or cell.mean is None or not cell.unit.exact:
        return None
    unit = cell.unit.factor * factor
    return max(0.0, cell.mean.mean - cell.mean.low) * unit, max(0.0, cell.mean.high - cell.mean.mean) * unit


def _number(score: float) -> str:
    """One decimal; counts such as OCRBench's without."""
    return f"{score:.0f}" if score > 100 and score == int(score) else f"{score:.1f}"


def _best(line: Line) -> float:
    """What counts as 100: the most the benchmark gives, or the highest score here where nobody said."""
    results = [cell.result for cell in line.cells if cell]
    known = best_score(results[0])
    return known or max((headline_of(result) or 0.0 for result in results), default=0.0) or 1.0


def _top(series: Sequence[Series]) -> float:
    """The end of the axis: 100, or more where a benchmark's scores have no upper end (CIDEr)."""
    return max(100.0, *(value for each in series for value in each.values if value is not None))


def _bars(names: Sequence[str], series: Sequence[Series], path: Path) -> None:
    count = len(series)
    width = 0.8 / count
    with figure_for(path, (max(5.0, 1.6 + len(names) * max(0.9, 0.42 * count)), 4.6)) as figure:
        axes = figure.subplots()
        for index, each in enumerate(series):
            places = [(x + (index - (count - 1) / 2) * width, i) for i, x in enumerate(range(len(names))) if each.values[i] is not None]
            heights = [each.values[i] for _, i in places]
            style = _style(each, index)
            axes.bar([x for x, _ in places], heights, width * 0.92, label=label(each.name), **style)
            bounded = [(x, each.values[i], each.errors[i]) for x, i in places if each.errors[i] is not None]
            if bounded:
                xs, ys, errors = zip(*bounded, strict=True)
                axes.errorbar(xs, ys, yerr=list(zip(*errors, strict=True)), fmt="none", ecolor="0.25", capsize=2.5, linewidth=1)
            if count * len(names) <= MOST_WRITTEN:
                for x, i in places:
                    reach = each.errors[i]
                    _write(axes, x, (each.values[i] or 0.0) + (reach[1] if reach else 0.0), each.texts[i])
        axes.set_xticks(
            range(len(names)),
            [label(name) for name in names],
            rotation=0 if len(names) < 5 else 35,
            ha="center" if len(names) < 5 else "right",
        )
        axes.set(ylabel="score, of 100", ylim=(0, 1.12 * _top(series)))
        axes.set_yticks(range(0, 101, 20))
        axes.grid(axis="y", alpha=0.25)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside upper center", ncols=min(3, count), frameon=False, fontsize=8)


def _write(axes: Any, x: float, y: float, text: str) -> None:
    axes.annotate(text, (x, y), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=7)


def _style(each: Series, index: int) -> dict[str, Any]:
    if each.published:
        return {"facecolor": "none", "edgecolor": colour(index), "hatch": "////", "linewidth": 0.8}
    return {"facecolor": colour(index), "edgecolor": colour(index), "linewidth": 0.8}


def _radar(names: Sequence[str], series: Sequence[Series], path: Path) -> None:
    angles = [2 * math.pi * place / len(names) for place in range(len(names))]
    with figure_for(path, (8, 6.4)) as figure:
        axes = figure.subplots(subplot_kw={"projection": "polar"})
        axes.set_theta_offset(math.pi / 2)
        axes.set_theta_direction(-1)
        for index, each in enumerate(series):
            values = [math.nan if value is None else value for value in each.values]
            style = {"linestyle": "--", "linewidth": 1.2} if each.published else {"linestyle": "-", "linewidth": 1.8}
            axes.plot(
                [*angles, angles[0]],
                [*values, values[0]],
                color=colour(index),
                marker="o",
                markersize=3,
                label=label(each.name),
                **style,
            )
            if not each.published and all(value is not None for value in each.values):
                axes.fill(angles, values, color=colour(index), alpha=0.1)
        axes.set_xticks(angles, [label(name) for name in names], fontsize=8)
        axes.set(ylim=(0, _top(series)))
        axes.set_yticks((20, 40, 60, 80, 100))
        axes.tick_params(axis="y", labelsize=7, labelcolor="0.4")
        axes.tick_params(axis="x", pad=10)
        axes.grid(alpha=0.3)
        axes.spines["polar"].set_alpha(0.3)
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
