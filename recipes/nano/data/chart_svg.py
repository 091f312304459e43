"""Charts drawn as SVG by a layout of our own, which therefore knows where every bar is.

ChartSpec -> _Sheet (shapes as SVG text, boxes) -> resvg -> draw(spec) -> Drawing with boxes
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from html import escape

import PIL.Image
from recipes.nano.data.chart_spec import PLOT_WIDTH, Box, ChartSpec, Drawing, contrast, label_angle, text_width, title_size
from recipes.nano.data.sample import MissingMaterial


@dataclass
class _Sheet:
    """Shapes drawn so far, and the rectangle of the plot as left, top, right, bottom."""

    spec: ChartSpec
    plot: Box
    shapes: list[str] = field(default_factory=list)
    boxes: dict[str, Box] = field(default_factory=dict)

    def text(
        self, x: float, y: float, text: str, *, size: int | None = None, anchor: str = "middle", turn: float = 0, colour: str = ""
    ) -> None:
        """A line of text with its middle height at y."""
        style = self.spec.style
        size = size or style.text_px
        turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
        place = f'x="{x:.1f}" y="{y + 0.35 * size:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour or style.ink}"'
        self.shapes.append(f"<text {place}{turned}>{escape(text)}</text>")

    def rect(self, box: Box, colour: str, *, key: str = "", round_by: float = 0) -> None:
        """A filled rectangle, remembered under `key`."""
        x1, y1, x2, y2 = box
        size = f'width="{max(0.0, x2 - x1):.1f}" height="{max(0.0, y2 - y1):.1f}"'
        self.shapes.append(f'<rect x="{x1:.1f}" y="{y1:.1f}" {size} fill="{colour}" rx="{round_by:.1f}"/>')
        if key:
            self.boxes[key] = box

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1.0) -> None:
        """A straight line."""
        self.shapes.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width:.1f}"/>'
        )

    def height_of(self, value: float) -> float:
        """The y of a value on the upright value axis."""
        return self.plot[3] - self.spec.axis.place(value) * (self.plot[3] - self.plot[1])

    def slot(self, index: int) -> float:
        """The x in the middle of a category's place."""
        return self.plot[0] + (index + 0.5) * (self.plot[2] - self.plot[0]) / len(self.spec.figures.categories)


def draw(spec: ChartSpec) -> Drawing:
    """The picture of a chart and the boxes of its bars. Raises MissingMaterial without resvg."""
    try:
        import resvg_py
    except ModuleNotFoundError as error:
        raise MissingMaterial("these charts need resvg: pip install resvg-py") from error
    sheet = _Sheet(spec, _plot(spec))
    _heading(sheet)
    if spec.kind in ("pie", "donut"):
        _pie(sheet)
    else:
        _axes(sheet)
        PAINTERS[spec.kind](sheet)
    if spec.has_legend:
        _legend(sheet)
    family = spec.style.face.at(spec.style.text_px).getname()[0]
    size = f'width="{spec.style.width}" height="{spec.style.height}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{escape(str(family))}">{"".join(sheet.shapes)}</svg>'
    picture = resvg_py.svg_to_bytes(
        svg_string=svg, background=spec.style.background, skip_system_fonts=True, font_files=[str(spec.style.face.path)]
    )
    return Drawing(PIL.Image.open(io.BytesIO(bytes(picture))).convert("RGB"), sheet.boxes)


def _plot(spec: ChartSpec) -> Box:
    """Room for the plot: what title, axes, labels and legend leave."""
    style, figures, px = spec.style, spec.figures, spec.style.text_px
    top, bottom, left, right = 1.2 * px + 1.6 * title_size(spec), 1.5 * px, 1.5 * px, 1.2 * px
    if spec.kind not in ("pie", "donut"):
        ticks = max(text_width(style.face, spec.tick(tick), px) for tick in spec.axis.ticks)
        names = max((text_width(style.face, name, px) for name in figures.categories), default=0.0)
        angle = 0 if spec.kind == "barh" else label_angle(spec)
        left += 1.6 * px + (names if spec.kind == "barh" else ticks)
        bottom += 1.8 * px + (1.2 * px if angle == 0 or spec.kind == "histogram" else names * math.sin(math.radians(angle)) + 0.6 * px)
        right += ticks / 2 if spec.kind == "barh" else 0
        if angle:  # turned names reach out to the left of their places
            slot = PLOT_WIDTH * style.width / len(figures.categories)
            left = max(left, names * math.cos(math.radians(angle)) - slot / 2 + 0.5 * px)
    if spec.has_legend:
        rows = _legend_rows(spec)
        if style.legend == "right":
            right += max(text_width(style.face, name, px) for name in _legend_names(spec)) + 2.6 * px
        elif style.legend == "top":
            top += 1.6 * px * len(rows)
        else:
            bottom += 1.6 * px * len(rows)
    return left, top, style.width - right, style.height - bottom


def _heading(sheet: _Sheet) -> None:
    spec = sheet.spec
    size = title_size(spec)
    left = spec.style.title_left
    sheet.text(
        spec.style.text_px if left else spec.style.width / 2,
        1.3 * size,
        spec.figures.title,
        size=size,
        anchor="start" if left else "middle",
    )


def _axes(sheet: _Sheet) -> None:
    spec, style, (left, top, right, bottom) = sheet.spec, sheet.spec.style, sheet.plot
    px = style.text_px
    flat = spec.kind == "barh"
    for tick in spec.axis.ticks:
        x, y = left + spec.axis.place(tick) * (right - left), sheet.height_of(tick)
        if style.grid:
            sheet.line(*((x, top, x, bottom) if flat else (left, y, right, y)), style.grid)
        if flat:
            sheet.text(x, bottom + 0.9 * px, spec.tick(tick))
        else:
            sheet.text(left - 0.5 * px, y, spec.tick(tick), anchor="end")
    if style.frame != "none":
        sheet.line(left, bottom, right, bottom, style.ink)
        sheet.line(left, top, left, bottom, style.ink)
    if style.frame == "box":
        sheet.line(left, top, right, top, style.ink)
        sheet.line(right, top, right, bottom, style.ink)
    _axis_names(sheet)


def _axis_names(sheet: _Sheet) -> None:
    spec, (left, top, right, bottom) = sheet.spec, sheet.plot
    px, figures = spec.style.text_px, spec.figures
    flat = spec.kind == "barh"
    legend = 1.6 * px * len(_legend_rows(spec)) if spec.has_legend and spec.style.legend == "bottom" else 0
    across, upright = (figures.value_label, figures.category_label) if flat else (figures.category_label, figures.value_label)
    sheet.text((left + right) / 2, spec.style.height - 1.2 * px - legend, across)
    sheet.text(1.1 * px, (top + bottom) / 2, upright, turn=-90)
    if spec.kind in ("scatter", "histogram"):
        return
    angle = label_angle(spec)
    for i, name in enumerate(figures.categories):
        if flat:
            sheet.text(left - 0.5 * px, top + (i + 0.5) * (bottom - top) / len(figures.categories), name, anchor="end")
        elif angle:
            sheet.text(sheet.slot(i), bottom + 0.8 * px, name, anchor="end", turn=-angle)
        else:
            sheet.text(sheet.slot(i), bottom + 0.9 * px, name)


def _bars(sheet: _Sheet) -> None:
    spec = sheet.spec
    rows = spec.figures.series
    slot = (sheet.plot[2] - sheet.plot[0]) / len(spec.figures.categories)
    width = slot * spec.style.bar_share / len(rows)
    for i, row in enumerate(rows):
        for k, value in enumerate(row.values):
            x = sheet.slot(k) + (i - len(rows) / 2) * width
            ends = sorted((sheet.height_of(0.0), sheet.height_of(value)))
            round_by = min(4.0, width / 4) if spec.style.rounded else 0.0
            sheet.rect(
                (x, ends[0], x + width * (0.94 if len(rows) > 1 else 1.0), ends[1]),
                spec.colour(i).code,
                key=f"{i}/{k}",
                round_by=round_by,
            )
            if spec.style.value_labels:
                beside = ends[0] - 0.7 * spec.style.text_px if value >= 0 else ends[1] + 0.7 * spec.style.text_px
                sheet.text(x + width / 2, beside, spec.number(value))


def _flat_bars(sheet: _Sheet) -> None:
    spec, (left, top, right, bottom) = sheet.spec, sheet.plot
    values = spec.figures.series[0].values
    slot = (bottom - top) / len(values)
    for k, value in enumerate(values):
        y = top + (k + 0.5) * slot
        ends = sorted(left + spec.axis.place(place) * (right - left) for place in (0.0, value))
        half = slot * spec.style.bar_share / 2
        sheet.rect((ends[0], y - half, ends[1], y + half), spec.colour(0).code, key=f"0/{k}")
        if spec.style.value_labels:
            behind = ends[1] + 0.4 * spec.style.text_px if value >= 0 else ends[0] - 0.4 * spec.style.text_px
            sheet.text(behind, y, spec.number(value), anchor="start" if value >= 0 else "end")


def _stacked(sheet: _Sheet) -> None:
    spec = sheet.spec
    half = (sheet.plot[2] - sheet.plot[0]) / len(spec.figures.categories) * spec.style.bar_share / 2
    for k in range(len(spec.figures.categories)):
        base = 0.0
        for i, row in enumerate(spec.figures.series):
            low, high = sheet.height_of(base), sheet.height_of(base + row.values[k])
            base += row.values[k]
            sheet.rect((sheet.slot(k) - half, high, sheet.slot(k) + half, low), spec.colour(i).code, key=f"{i}/{k}")
            if spec.style.value_labels:
                sheet.text(sheet.slot(k), (low + high) / 2, spec.number(row.values[k]), colour=contrast(spec.colour(i).code))


def _histogram(sheet: _Sheet) -> None:
    spec, (left, _, right, bottom) = sheet.spec, sheet.plot
    values, edges = spec.figures.series[0].values, spec.figures.bin_edges
    width = (right - left) / len(values)
    for k, value in enumerate(values):
        high = sheet.height_of(value)
        sheet.rect((left + k * width, high, left + (k + 1) * width - 1.5, bottom), spec.colour(0).code, key=f"0/{k}")
        if spec.style.value_labels:
            sheet.text(left + (k + 0.5) * width, high - 0.7 * spec.style.text_px, spec.number(value))
    for k, edge in enumerate(edges):
        sheet.text(left + k * width, bottom + 0.9 * spec.style.text_px, f"{edge:g}")


def _lines(sheet: _Sheet) -> None:
    spec, style = sheet.spec, sheet.spec.style
    for i, row in enumerate(spec.figures.series):
        code = spec.colour(i).code
        points = [(sheet.slot(k), sheet.height_of(value)) for k, value in enumerate(row.values)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashes = ' stroke-dasharray="7 4"' if style.rounded and i % 2 else ""
        sheet.shapes.append(f'<polyline points="{path}" fill="none" stroke="{code}" stroke-width="{style.line_px:.1f}"{dashes}/>')
        for (x, y), value in zip(points, row.values, strict=True):
            if style.markers:
                sheet.shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{style.line_px * 1.5:.1f}" fill="{code}"/>')
            if style.value_labels:
                sheet.text(x, y - 0.9 * style.text_px, spec.number(value))


def _areas(sheet: _Sheet) -> None:
    spec = sheet.spec
    base = [0.0] * len(spec.figures.categories)
    for i, row in enumerate(spec.figures.series):
        upper = [a + b for a, b in zip(base, row.values, strict=True)]
        there = [f"{sheet.slot(k):.1f},{sheet.height_of(value):.1f}" for k, value in enumerate(upper)]
        back = [f"{sheet.slot(k):.1f},{sheet.height_of(base[k]):.1f}" for k in reversed(range(len(base)))]
        sheet.shapes.append(f'<polygon points="{" ".join(there + back)}" fill="{spec.colour(i).code}" fill-opacity="0.9"/>')
        base = upper
        for k, value in enumerate(row.values if spec.style.value_labels else ()):
            sheet.text(sheet.slot(k), sheet.height_of(upper[k]) - 0.8 * spec.style.text_px, spec.number(value))


def _scatter(sheet: _Sheet) -> None:
    spec, (left, top, right, bottom) = sheet.spec, sheet.plot
    assert spec.across is not None
    radius = max(2.5, 1.4 * spec.style.line_px)
    for tick in spec.across.ticks:
        x = left + spec.across.place(tick) * (right - left)
        if spec.style.grid:
            sheet.line(x, top, x, bottom, spec.style.grid)
        sheet.text(x, bottom + 0.9 * spec.style.text_px, f"{tick:g}")
    for i, row in enumerate(spec.figures.series):
        for x_value, y_value in row.points:
            x, y = left + spec.across.place(x_value) * (right - left), sheet.height_of(y_value)
            sheet.shapes.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{spec.colour(i).code}" fill-opacity="0.85"/>'
            )


def _pie(sheet: _Sheet) -> None:
    spec, (left, top, right, bottom) = sheet.spec, sheet.plot
    values = spec.figures.series[0].values
    x, y, radius = (left + right) / 2, (top + bottom) / 2, 0.42 * min(right - left, bottom - top)
    start = -math.pi / 2
    for i, value in enumerate(values):
        end = start + 2 * math.pi * value / sum(values)
        ends = [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in (start, end)]
        large = int(end - start > math.pi)
        first, last = (f"{a:.1f},{b:.1f}" for a, b in ends)
        path = f"M{x:.1f},{y:.1f} L{first} A{radius:.1f},{radius:.1f} 0 {large} 1 {last} Z"
        code = spec.colour(i).code
        sheet.shapes.append(f'<path d="{path}" fill="{code}" stroke="{spec.style.background}" stroke-width="1.5"/>')
        start = end
    if spec.kind == "donut":
        sheet.shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{0.5 * radius:.1f}" fill="{spec.style.background}"/>')
    start = -math.pi / 2
    for i, value in enumerate(values if spec.style.value_labels else ()):
        middle = start + math.pi * value / sum(values)
        start += 2 * math.pi * value / sum(values)
        inside = value > 0.1 * sum(values)
        far = radius * (0.76 if inside else 1.0) + (0 if inside else 1.5 * spec.style.text_px)
        colour = contrast(spec.colour(i).code) if inside else spec.style.ink
        sheet.text(x + far * math.cos(middle), y + far * math.sin(middle), spec.share(value), colour=colour)


def _legend_names(spec: ChartSpec) -> tuple[str, ...]:
    return spec.figures.categories if spec.kind in ("pie", "donut") else tuple(row.name for row in spec.figures.series)


def _legend_rows(spec: ChartSpec) -> list[list[int]]:
    """Numbers of names, line by line as they fit the width."""
    px, names = spec.style.text_px, _legend_names(spec)
    if spec.style.legend == "right":
        return [[i] for i in range(len(names))]
    rows: list[list[int]] = [[]]
    used = 0.0
    for i, name in enumerate(names):
        need = text_width(spec.style.face, name, px) + 2.6 * px
        if rows[-1] and used + need > 0.92 * spec.style.width:
            rows.append([])
            used = 0.0
        rows[-1].append(i)
        used += need
    return rows


def _legend(sheet: _Sheet) -> None:
    spec, style, px = sheet.spec, sheet.spec.style, sheet.spec.style.text_px
    names, rows = _legend_names(spec), _legend_rows(spec)
    for k, row in enumerate(rows):
        widths = [text_width(style.face, names[i], px) + 2.6 * px for i in row]
        if style.legend == "right":
            x, y = sheet.plot[2] + px, sheet.plot[1] + (k + 0.6) * 1.7 * px
        else:
            x = (style.width - sum(widths)) / 2
            y = (
                sheet.plot[1] - (len(rows) - k) * 1.6 * px
                if style.legend == "top"
                else style.height - (len(rows) - k - 0.35) * 1.6 * px
            )
        for i, width in zip(row, widths, strict=True):
            sheet.rect((x, y - 0.45 * px, x + 0.9 * px, y + 0.45 * px), spec.colour(i).code)
            sheet.text(x + 1.3 * px, y, names[i], anchor="start")
            x += width


PAINTERS = {
    "bar": _bars,
    "grouped": _bars,
    "barh": _flat_bars,
    "stacked": _stacked,
    "histogram": _histogram,
    "line": _lines,
    "area": _areas,
    "scatter": _scatter,
}
