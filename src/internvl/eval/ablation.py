"""How scores change with the number of tiles, as Figure 6 of the InternVL 1.5 report (arXiv:2404.16821) shows it.

    results of one model at tile limits 1, 6, 12, ... -> Ablation -> a table, and a line a benchmark over tiles

As there, MME and OCRBench are rescaled to at most 100, and MMMU, whose questions hold several pictures, is left out of the average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from internvl.eval.errors import EvalError
from internvl.eval.plot_figure import colour, figure_for, label
from internvl.eval.recipe_flags import recipe_differences, tiles_of
from internvl.eval.results import Result, load_result
from internvl.eval.shown_score import benchmark_name, best_score, headline_of

NOT_IN_AVERAGE = frozenset({"mmmu"})
AVERAGE = "average"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One benchmark over tile limits. scores: as printed; of_100: the same rescaled to at most 100. averaged: counts in the average."""

    name: str
    scores: Mapping[int, float]
    of_100: Mapping[int, float]
    averaged: bool

    @property
    def best(self) -> int:
        """The tile limit with the highest score; the smallest of several."""
        return max(sorted(self.of_100), key=lambda tiles: self.of_100[tiles])


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """Curves of one model. average: mean of the averaged curves (out of 100) where there are two or more. notes: what differs."""

    tiles: tuple[int, ...]
    curves: tuple[Curve, ...]
    average: Curve | None
    notes: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, ...]]:
        """A table: benchmark, a score for each of `tiles` ("-" where it was not run), and the best limit."""
        curves = (*self.curves, *((self.average,) if self.average else ()))
        return [(each.name, *(_cell(each, tiles) for tiles in self.tiles), str(each.best)) for each in curves]

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        curves = (*self.curves, *((self.average,) if self.average else ()))
        return {
            "tiles": list(self.tiles),
            "curves": [{"name": c.name, "scores": dict(c.scores), "of_100": dict(c.of_100), "best": c.best} for c in curves],
            "notes": list(self.notes),
        }


def load_ablation(folders: Sequence[Path]) -> Ablation:
    """The ablation of the results in these folders."""
    return ablation_of([load_result(folder) for folder in folders])


def ablation_of(results: Sequence[Result]) -> Ablation:
    """Order results by benchmark and tile limit.

    Raises EvalError for results without a number or a tile limit, of several models, or two that differ at the same limit.
    """
    if not results:
        raise EvalError("a tile ablation needs at least one result")
    models = sorted({result.model for result in results})
    if len(models) > 1:
        raise EvalError(f"a tile ablation is of one model, not of {', '.join(models)}")
    by_name: dict[str, dict[int, Result]] = {}
    for result in results:
        name, tiles = benchmark_name(result, variant=True), _tiles(result)
        runs = by_name.setdefault(name, {})
        if tiles in runs and (recipe_differences(runs[tiles], result) or runs[tiles].headline != result.headline):
            raise EvalError(f"{name} with {tiles} tiles is there twice: {runs[tiles].folder} and {result.folder}")
        runs[tiles] = result
    every = tuple(sorted({tiles for runs in by_name.values() for tiles in runs}))
    curves = tuple(_curve(name, runs, every) for name, runs in by_name.items())
    return Ablation(tiles=every, curves=curves, average=_average(curves, every), notes=_notes(by_name, curves))


def plot_ablation(ablation: Ablation, path: Path, *, log_x: bool = False) -> None:
    """Draw score against tiles, a line a benchmark, the best value marked. MissingDependencyError without matplotlib."""
    with figure_for(path, (8, 5)) as figure:
        axes = figure.subplots()
        for index, curve in enumerate(ablation.curves):
            _draw(axes, curve, color=colour(index), linewidth=1.4, marker="o", markersize=4, linestyle="-" if curve.averaged else ":")
        if ablation.average:
            _draw(axes, ablation.average, color="black", linewidth=2.4, marker="s", markersize=5)
        if log_x:
            axes.set_xscale("log", base=2)
        axes.set_xticks(ablation.tiles, [str(tiles) for tiles in ablation.tiles])
        axes.minorticks_off()
        axes.set(xlabel="tiles a picture is cut into at most" + (", log scale" if log_x else ""), ylabel="score, of at most 100")
        axes.margins(y=0.06)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside right upper", frameon=False, fontsize=8, title="best of 100, at tiles", title_fontsize=8)


def _draw(axes: Any, curve: Curve, **style: Any) -> None:
    """A line, with its best value as a star and in the legend: beside the star, labels of near curves would cover each other."""
    tiles, best = sorted(curve.of_100), curve.best
    name = f"{label(curve.name)}: {curve.of_100[best]:.1f} at {best}"
    axes.plot(tiles, [curve.of_100[each] for each in tiles], label=name, **style)
    axes.plot([best], [curve.of_100[best]], marker="*", markersize=13, color=style["color"], zorder=5)


def _curve(name: str, runs: Mapping[int, Result], every: Sequence[int]) -> Curve:
    scores = {tiles: _headline(runs[tiles]) for tiles in sorted(runs)}
    best = best_score(next(iter(runs.values()))) or max(scores.values()) or 1.0
    task = next(iter(runs.values())).task
    averaged = task not in NOT_IN_AVERAGE and len(runs) == len(every)
    return Curve(name=name, scores=scores, of_100={tiles: 100 * score / best for tiles, score in scores.items()}, averaged=averaged)


def _average(curves: Sequence[Curve], every: Sequence[int]) -> Curve | None:
    counted = [curve for curve in curves if curve.averaged]
    if len(counted) < 2:
        return None
    means = {tiles: sum(curve.of_100[tiles] for curve in counted) / len(counted) for tiles in every}
    return Curve(name=f"{AVERAGE} of {len(counted)}", scores=means, of_100=means, averaged=False)


def _notes(by_name: Mapping[str, Mapping[int, Result]], curves: Sequence[Curve]) -> tuple[str, ...]:
    """What else than tiles differs along a curve, and which curves the average leaves out."""
    notes = []
    for name, runs in by_name.items():
        first = runs[min(runs)]
        for tiles, result in sorted(runs.items()):
            other = [each for each in recipe_differences(first, result) if not each.startswith("tiles ")]
            notes += [f"{name}, {tiles} tiles: {'; '.join(other)}"] if other else []
    left_out = [curve.name for curve in curves if not curve.averaged]
    if left_out and len(curves) - len(left_out) > 1:
        notes.append(f"not in the average: {', '.join(left_out)}")
    return tuple(notes)


def _tiles(result: Result) -> int:
    tiles = tiles_of(result)
    if tiles is None:
        raise EvalError(f"{result.folder}: the recipe names no tile limit")
    return tiles


def _headline(result: Result) -> float:
    score = headline_of(result)
    if score is None:
        raise EvalError(f"{result.folder}: no score to plot; the run is not finished, or was not judged")
    return score


def _cell(curve: Curve, tiles: int) -> str:
    if tiles not in curve.scores:
        return "-"
    return f"{curve.scores[tiles]:.1f}" + ("*" if tiles == curve.best else "")
