"""A comparison as a table of text: what the terminal and the report print.

Comparison -> columns [(name, justify)], rows [text a column], with each run, its difference to the first, and published scores last
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from internvl.eval.compare import Cell, Comparison, Line
from internvl.eval.pairs import Difference
from internvl.eval.published import PublishedScore
from internvl.eval.shown_score import Unit, headline_of, headline_text

Column: TypeAlias = tuple[str, Literal["left", "right"]]
NONE = "-"
SMALL_P = 0.001


def columns(comparison: Comparison) -> list[Column]:
    """The names over the columns; those of published models say so."""
    first, *others = comparison.runs
    named: list[Column] = [("benchmark", "left"), ("samples", "right"), (first.name, "right")]
    if not others:
        named.append((_interval_name(comparison), "right"))
    for run in others:
        named += [(run.name, "right"), (f"{run.name} - {first.name}", "right"), ("p", "right")]
    return named + [(f"{model} (published)", "right") for model in comparison.models]


def rows(comparison: Comparison) -> Iterator[list[str]]:
    """A row of text a benchmark, as long as `columns`."""
    for line in comparison.lines:
        first, *others = line.cells
        row = [line.name, _samples(line), NONE if first is None else headline_text(first.result)]
        if not others:
            row.append(_own_interval(first))
        for cell in others:
            row += [NONE, NONE, NONE] if cell is None else [headline_text(cell.result), *_difference(cell)]
        quoted = [line.published_of(model) for model in comparison.models]
        yield row + [NONE if score is None else score.text for score in quoted]


def published_text(score: PublishedScore) -> str:
    """A published cell as a sentence: model, value, what it is, and where it stands."""
    parts = f" ({' / '.join(score.parts)})" if score.parts else ""
    note = f"; {score.note}" if score.note else ""
    return f"published: {score.model} {score.text}{parts}, {score.row}, {score.metric}, {score.source} ({score.document}){note}"


def to_dict(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON: nothing rounded, differences in the line's unit."""
    settings = comparison.statistics
    return {
        "runs": [{"name": run.name, "path": str(run.path)} for run in comparison.runs],
        "statistics": {
            "resamples": settings.resamples,
            "confidence": settings.confidence,
            "seed": settings.seed,
            "group_by": settings.group_by,
        },
        "benchmarks": [_line_dict(line) for line in comparison.lines],
    }


def _interval_name(comparison: Comparison) -> str:
    return f"{100 * comparison.statistics.confidence:g} % interval"


def _samples(line: Line) -> str:
    """How many samples the numbers rest on: of the only run that has the benchmark, or common to the first and each other."""
    there = [cell for cell in line.cells if cell]
    if len(there) == 1:
        return f"{there[0].result.samples:,}"
    counts = [cell.difference.interval.n if cell and cell.difference else 0 for cell in line.cells[1:]]
    return " / ".join(f"{count:,}" for count in dict.fromkeys(counts))


def _own_interval(cell: Cell | None) -> str:
    if cell is None or cell.mean is None:
        return NONE
    shown = cell.mean.scaled(cell.unit.factor)
    return f"[{shown.low:.2f}, {shown.high:.2f}]" + ("" if cell.unit.exact else " of the mean")


def _difference(cell: Cell) -> tuple[str, str]:
    found = cell.difference
    if found is None:
        return NONE, NONE
    shown = found.interval.scaled(difference_unit(cell).factor)
    mark = "" if cell.unit.exact else " %"
    return f"{shown.mean:+.2f}{mark} [{shown.low:+.2f}, {shown.high:+.2f}]", _p_text(found.p)


def difference_unit(cell: Cell) -> Unit:
    """The unit of a difference: a sum over all samples becomes one over the common samples."""
    found = cell.difference
    if found is None or cell.mean is None or not math.isclose(cell.unit.factor, cell.mean.n) or cell.unit.factor == cell.result.scale:
        return cell.unit
    return Unit(float(found.interval.n), cell.unit.exact)


def _p_text(p: float) -> str:
    return f"< {SMALL_P}" if p < SMALL_P else f"{p:.3f}"


def _line_dict(line: Line) -> dict[str, Any]:
    return {
        "benchmark": line.name,
        "metric": line.metric,
        "runs": [None if cell is None else _cell_dict(cell) for cell in line.cells],
        "published": [
            {
                "model": s.model,
                "row": s.row,
                "values": list(s.values),
                "parts": list(s.parts),
                "source": s.source,
                "document": s.document,
            }
            for s in line.published
        ],
        "notes": list(line.flags),
    }


def _cell_dict(cell: Cell) -> dict[str, Any]:
    result = cell.result
    mean = None if cell.mean is None else cell.mean.scaled(cell.unit.factor)
    return {
        "run": cell.run,
        "model": result.model,
        "variant": result.variant,
        "headline": result.headline,
        "unofficial": None if result.headline is not None else headline_of(result),
        "samples": result.samples,
        "total": result.total,
        "interval": None if mean is None else [mean.low, mean.high],
        "interval_of": "headline" if cell.unit.exact else "mean sample score in percent",
        "difference": None if cell.difference is None else _difference_dict(cell, cell.difference),
    }


def _difference_dict(cell: Cell, found: Difference) -> dict[str, Any]:
    shown = found.interval.scaled(difference_unit(cell).factor)
    return {
        "mean": shown.mean,
        "interval": [shown.low, shown.high],
        "samples": shown.n,
        "groups": shown.groups,
        "better": found.wins,
        "worse": found.losses,
        "same": found.ties,
        "test": found.test,
        "p": found.p,
        "left_out": cell.left_out,
    }
