"""Histograms as pictures: SVG for the page, without any library, and one PNG a set of rules where matplotlib is there.

Histogram, ColumnRule -> bars of all and of kept samples on a logarithmic scale, the limits of the rule as lines
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, log10
from pathlib import Path
from typing import Any

import numpy

from internvl.eval.plot_figure import figure_for, label
from internvl.eval.report_markup import Markup, element
from internvl.pipelines.clean.histogram import Histogram, borders_of
from internvl.pipelines.clean.pairs import Array
from internvl.pipelines.clean.rules import ColumnRule
from internvl.pipelines.clean.tally import Tally

_WIDE, _HIGH, _LEFT, _BOTTOM, _TOP = 360, 150, 8, 22, 18
_PANELS_A_ROW = 3


def histogram_svg(name: str, histogram: Histogram, rule: ColumnRule | None) -> Markup:
    """One histogram as an SVG element. Its text is inside, so that it is read aloud and can be searched."""
    span = histogram.span()
    borders = borders_of(histogram.scale)[span.start : span.stop + 1]
    place = _Axis(histogram, borders)
    bars = [*_bars(histogram.all[span], place, "all"), *_bars(histogram.kept[span], place, "kept")]
    lines = [element("g", *_limit(limit, place)) for limit in _limits(rule, borders)]
    ticks = [_tick(value, place) for value in _tick_values(borders)]
    most = element("text", f"{int(histogram.all.max()):,}", x=_LEFT, y=_TOP - 6, class_="tick")
    told = f"{name}: {int(histogram.all.sum()):,} samples, {int(histogram.kept.sum()):,} kept"
    axis = element("path", d=f"M{_LEFT} {_HIGH - _BOTTOM}H{_WIDE - _LEFT}", class_="axis")
    size = f"0 0 {_WIDE} {_HIGH}"
    return element(
        "svg", element("title", told), *bars, axis, *lines, *ticks, most, viewBox=size, width=_WIDE, height=_HIGH, role="img"
    )


def draw_histograms(tally: Tally, path: Path) -> None:
    """All histograms of a set of rules into one PNG, those with a rule first. MissingDependencyError without matplotlib."""
    rules = {rule.column: rule for rule in tally.rules.columns}
    names = sorted(tally.histograms, key=lambda name: name not in rules)
    rows = max(1, ceil(len(names) / _PANELS_A_ROW))
    with figure_for(path, (4.2 * _PANELS_A_ROW, 2.4 * rows)) as figure:
        panels = figure.subplots(rows, _PANELS_A_ROW, squeeze=False).ravel()
        for panel, name in zip(panels, names, strict=False):
            _draw(panel, name, tally.histograms[name], rules.get(name))
        for panel in panels[len(names) :]:
            panel.set_axis_off()
        figure.suptitle(label(f"{tally.rules.title}: {tally.rows:,} samples, {tally.kept:,} kept"))


def _draw(panel: Any, name: str, histogram: Histogram, rule: ColumnRule | None) -> None:
    span = histogram.span()
    borders = borders_of(histogram.scale)[span.start : span.stop + 1]
    for counts, shade, what in ((histogram.all, "0.75", "all"), (histogram.kept, "tab:blue", "kept")):
        panel.stairs(counts[span], borders, fill=True, color=shade, label=what)
    for limit in _limits(rule, borders):
        panel.axvline(limit, color="tab:red", linewidth=1)
    panel.set_yscale("symlog", linthresh=1)
    if histogram.scale == "log":
        panel.set_xscale("symlog", base=2, linthresh=1)
    panel.set_xlim(borders[0], borders[-1])  # symlog would show negative values too
    panel.set_title(label(name if rule is None else str(rule)), fontsize=8)
    panel.tick_params(labelsize=7)
    panel.legend(fontsize=6)


class _Axis:
    """From values and counts to places in the picture. Classes are equally wide, whatever their borders are."""

    def __init__(self, histogram: Histogram, borders: Array) -> None:
        self.borders = borders
        self._most = log10(1 + int(histogram.all.max()))

    def x(self, value: float) -> float:
        """Of a value, between the borders of its class."""
        where = float(numpy.interp(value, self.borders, numpy.arange(len(self.borders))))
        return _LEFT + (_WIDE - 2 * _LEFT) * where / (len(self.borders) - 1)

    def height(self, count: int) -> float:
        """Of a bar."""
        return (_HIGH - _BOTTOM - _TOP) * log10(1 + count) / self._most if self._most else 0.0


def _bars(counts: Array, place: _Axis, kind: str) -> Iterator[Markup]:
    for at, count in enumerate(counts.tolist()):
        if count:
            left, right, height = place.x(place.borders[at]), place.x(place.borders[at + 1]), place.height(count)
            shape = f"M{left:.1f} {_HIGH - _BOTTOM}v{-height:.1f}H{max(left + 1, right - 0.5):.1f}v{height:.1f}z"
            yield element("path", d=shape, class_=kind)


def _limit(value: float, place: _Axis) -> Iterator[Markup]:
    x = place.x(value)
    yield element("path", d=f"M{x:.1f} {_TOP - 4}V{_HIGH - _BOTTOM}", class_="limit")
    anchor = "end" if x > _WIDE / 2 else "start"
    yield element("text", f"{value:g}", x=f"{x + (-3 if anchor == 'end' else 3):.1f}", y=_TOP - 6, class_="limit", text_anchor=anchor)


def _limits(rule: ColumnRule | None, borders: Array) -> list[float]:
    """The limits of a rule that lie within what is drawn."""
    limits = [] if rule is None else [limit for limit in (rule.min, rule.max) if limit is not None]
    return [limit for limit in limits if borders[0] <= limit <= borders[-1]]


def _tick_values(borders: Array) -> list[float]:
    """First, last and two borders between."""
    last = len(borders) - 1
    return [float(borders[at]) for at in dict.fromkeys((0, last // 3, 2 * last // 3, last))]


def _tick(value: float, place: _Axis) -> Markup:
    x = place.x(value)
    anchor = "start" if x < 2 * _LEFT else "end" if x > _WIDE - 2 * _LEFT else "middle"
    return element("text", _short(value), x=f"{x:.1f}", y=_HIGH - 6, class_="tick", text_anchor=anchor)


def _short(value: float) -> str:
    for unit, factor in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return f"{value / factor:.3g}{unit}"
    return f"{value:.3g}"
