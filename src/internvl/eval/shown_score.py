"""The number of a result as tables and plots show it: its name, its value, the most it can be, and in which unit differences are.

Result -> benchmark_name, headline_of, best_score;   Result, mean sample score -> Unit (points of the headline, or percent)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from internvl.eval.errors import EvalError
from internvl.eval.published import PublishedRow, PublishedScore, published_row
from internvl.eval.results import Result

DEFAULT_VARIANT = "internvl"
PLAIN_SPLITS = frozenset({"", "default", "all"})
PERCENT = 100.0
OVERALL = "Overall"
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Unit:
    """A mean sample score times `factor` is the number shown. exact: that number is the headline itself."""

    factor: float
    exact: bool


def benchmark_name(result: Result, *, variant: bool = False) -> str:
    """A name such as "DocVQA test", or with the way of asking "DocVQA test, vlmevalkit"; the original way goes without saying."""
    name = result.title if result.split in PLAIN_SPLITS else f"{result.title} {result.split}"
    return f"{name}, {result.variant}" if variant and result.variant != DEFAULT_VARIANT else name


def headline_of(result: Result) -> float | None:
    """The printed number; the unofficial one where the protocol allows no headline; None where there is neither."""
    if result.headline is not None:
        return float(result.headline)
    value = result.unofficial.get(result.metric, result.scores.get(result.metric))
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value) * result.scale


def headline_text(result: Result) -> str:
    """The number for a table: in brackets where it is not official, "-" where there is none."""
    value = headline_of(result)
    if value is None:
        return "-"
    return f"{value:.2f}" if result.headline is not None else f"({value:.2f})"


def best_score(result: Result) -> float | None:
    """The most the headline can be; None where nobody said."""
    row = published_line(result)
    if row is not None:
        return row.best
    return PERCENT if result.scale == PERCENT else None


def published_line(result: Result) -> PublishedRow | None:
    """The line of the published tables for this benchmark and split. A name that no table has is no line."""
    if not result.published:
        return None
    try:
        return published_row(result.published)
    except EvalError:
        return None


def published_value(result: Result, cell: PublishedScore) -> float | None:
    """The number of a published cell that is of the result's kind.

    Of a cell with parts that is the one named like the result's variant, split, metric, stills or language; None where no part is.
    """
    if len(cell.values) == 1:
        return cell.values[0]
    protocol = result.recipe.get("protocol") or {}
    names = (
        *(result.variant, result.split, result.metric, f"{protocol.get('frames')} frames", OVERALL),
        *(str(protocol.get(name)) for name in ("note", "language")),
    )
    part = next((part for name in names for part in cell.parts if part.casefold() == name.casefold()), None)
    return None if part is None else cell.value(part)


def unit_of(result: Result, mean: float, n: int) -> Unit:
    """In what a mean of `n` sample scores is shown beside the headline.

    Most headlines are that mean in percent, OCRBench's is a sum of hits. Where neither fits (circular groups, sums of categories)
    the mean is shown in percent and the reader is told.
    """
    value: Any = headline_of(result)
    for factor in (result.scale, PERCENT, float(n)) if value is not None else ():
        if math.isclose(value, mean * factor, rel_tol=TOLERANCE, abs_tol=TOLERANCE * factor):
            return Unit(factor, exact=True)
    return Unit(PERCENT, exact=False)
