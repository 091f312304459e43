"""The results as pictures: a bar a row, and the score against the number of tiles.

[Row, ...] -> PNG
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recipes.nano.measure.summary import BOTH, Row


def plot_rows(rows: Sequence[Row], path: Path) -> None:
    """A bar with its interval for every row of both languages together, errors and scores side by side."""
    from matplotlib.figure import Figure

    kept = _together(rows)
    sides = [[row for row in kept if not row.is_error], [row for row in kept if row.is_error]]
    figure = Figure(figsize=(12, 1.5 + 0.3 * max(map(len, sides), default=1)), layout="constrained")
    for axes, side, title in zip(figure.subplots(1, 2), sides, ("score", "rate of errors"), strict=True):
        places = range(len(side))
        axes.barh(places, [row.value for row in side], color="#4477aa", height=0.6)
        spans = [[max(0.0, row.value - row.low) for row in side], [max(0.0, row.high - row.value) for row in side]]
        axes.errorbar([row.value for row in side], places, xerr=spans, fmt="none", ecolor="#222222", capsize=2)
        axes.set_yticks(places, [f"{row.group}: {row.metric} (n = {row.count}, {row.by.partition('@')[0]})" for row in side])
        axes.invert_yaxis()
        axes.set_xlim(0, max([1.0, *(row.high for row in side)]) if title == "score" else None)
        axes.set_title(title)
    figure.savefig(path, dpi=120)


def plot_tiles(rows: Sequence[Row], path: Path) -> None:
    """Score against the most tiles a picture may have, a line a group; rates of errors are drawn dashed."""
    from matplotlib.figure import Figure

    rows = _together(rows)
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for group, metric in dict.fromkeys((row.group, row.metric) for row in rows):
        line = sorted((row for row in rows if (row.group, row.metric) == (group, metric)), key=lambda row: row.tiles or 0)
        limits = [row.tiles or 0 for row in line]
        style = "--" if line[0].is_error else "-"
        (drawn,) = axes.plot(limits, [row.value for row in line], style, marker="o", label=f"{group}: {metric}")
        axes.fill_between(limits, [row.low for row in line], [row.high for row in line], alpha=0.15, color=drawn.get_color())
    limits = sorted({row.tiles for row in rows if row.tiles})
    axes.set_xscale("log", base=2)
    axes.set_xticks(limits, [str(limit) for limit in limits])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set(xlabel="most tiles a picture may have", ylabel="score (dashed: rate of errors)")
    axes.legend(fontsize="small")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def _together(rows: Sequence[Row]) -> list[Row]:
    """The rows of both languages, and of the one language where there is only one."""
    names = {(row.group, row.metric, row.tiles) for row in rows if row.language == BOTH}
    return [row for row in rows if row.language == BOTH or (row.group, row.metric, row.tiles) not in names]
