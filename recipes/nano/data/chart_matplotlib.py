"""Charts drawn by matplotlib.

ChartSpec -> draw(spec) -> Drawing        objects of one figure only: nothing of matplotlib's global state is touched
"""

from __future__ import annotations

import math
from typing import Any

import PIL.Image
from recipes.nano.data.chart_spec import ChartSpec, Drawing, contrast, label_angle, text_width, title_size
from recipes.nano.data.sample import MissingMaterial

DPI = 100
POINTS = 72 / DPI  # points of a pixel


def draw(spec: ChartSpec) -> Drawing:
    """The picture of a chart. Raises MissingMaterial without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingMaterial("charts need matplotlib: pip install 'internvl[plot]'") from error
    style = spec.style
    figure = Figure(figsize=(style.width / DPI, style.height / DPI), dpi=DPI, facecolor=style.background, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot(facecolor=style.background)
    if spec.kind in ("pie", "donut"):
        _pie(axes, spec)
    else:
        _lines_and_labels(axes, spec)
        PAINTERS[spec.kind](axes, spec)
    _title(figure, axes, spec)
    if spec.has_legend:
        _legend(axes, spec)
    canvas.draw()
    return Drawing(PIL.Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB"))


def _title(figure: Any, axes: Any, spec: ChartSpec) -> None:
    """Above the whole picture, or under a legend that stands at its top."""
    style, size = spec.style, title_size(spec)
    if spec.has_legend and style.legend == "top":
        font = _font(spec, max(9, round(0.82 * size)))
        axes.set_title(spec.figures.title, fontproperties=font, color=style.ink, pad=style.text_px * 0.8)
        return
    place = {"x": 0.02, "ha": "left"} if style.title_left else {}
    figure.suptitle(spec.figures.title, fontproperties=_font(spec, size), color=style.ink, **place)


def _font(spec: ChartSpec, size_px: int) -> Any:
    from matplotlib import font_manager

    path: Any = str(spec.style.face.path)
    if spec.style.face.index and hasattr(font_manager, "FontPath"):  # faces inside collections: since matplotlib 3.11
        path = font_manager.FontPath(path, spec.style.face.index)
    return font_manager.FontProperties(fname=path, size=size_px * POINTS)


def _lines_and_labels(axes: Any, spec: ChartSpec) -> None:
    style, figures = spec.style, spec.figures
    font = _font(spec, style.text_px)
    flat = spec.kind == "barh"
    value_axis, name_axis = (axes.xaxis, axes.yaxis) if flat else (axes.yaxis, axes.xaxis)
    (axes.set_xlim if flat else axes.set_ylim)(spec.axis.low, spec.axis.high)
    value_axis.set_ticks(spec.axis.ticks, [spec.tick(value) for value in spec.axis.ticks], fontproperties=font, color=style.ink)
    (axes.set_xlabel if flat else axes.set_ylabel)(figures.value_label, fontproperties=font, color=style.ink)
    (axes.set_ylabel if flat else axes.set_xlabel)(figures.category_label, fontproperties=font, color=style.ink)
    if figures.categories:
        angle = 0 if flat else label_angle(spec)
        turn = {"rotation": angle, "ha": "right", "rotation_mode": "anchor"} if angle == 40 else {"rotation": angle}
        name_axis.set_ticks(range(len(figures.categories)), figures.categories, fontproperties=font, color=style.ink, **turn)
    if flat:
        axes.invert_yaxis()
    if style.grid:
        value_axis.grid(True, color=style.grid, linewidth=0.8)
        axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        shown = style.frame == "box" or (style.frame == "axes" and side in ("left", "bottom"))
        spine.set_visible(shown)
        spine.set_color(style.ink)
    axes.tick_params(color=style.ink, length=3)


def _bars(axes: Any, spec: ChartSpec) -> None:
    values = spec.figures.series[0].values
    turned = spec.kind == "barh"
    thick = {"height" if turned else "width": spec.style.bar_share}
    drawn = (axes.barh if turned else axes.bar)(range(len(values)), values, color=spec.colour(0).code, **thick)
    _bar_labels(axes, spec, drawn, values)


def _grouped(axes: Any, spec: ChartSpec) -> None:
    rows = spec.figures.series
    width = spec.style.bar_share / len(rows)
    for i, row in enumerate(rows):
        places = [k + (i - (len(rows) - 1) / 2) * width for k in range(len(row.values))]
        drawn = axes.bar(places, row.values, width=width * 0.94, color=spec.colour(i).code, label=row.name)
        _bar_labels(axes, spec, drawn, row.values)


def _stacked(axes: Any, spec: ChartSpec) -> None:
    base = [0.0] * len(spec.figures.categories)
    for i, row in enumerate(spec.figures.series):
        code = spec.colour(i).code
        drawn = axes.bar(range(len(base)), row.values, width=spec.style.bar_share, bottom=base, color=code, label=row.name)
        base = [a + b for a, b in zip(base, row.values, strict=True)]
        if spec.style.value_labels:
            texts = [spec.number(value) for value in row.values]
            font = _font(spec, spec.style.text_px)
            axes.bar_label(drawn, texts, label_type="center", fontproperties=font, color=contrast(code))


def _bar_labels(axes: Any, spec: ChartSpec, drawn: Any, values: tuple[float, ...]) -> None:
    if spec.style.value_labels:
        texts = [spec.number(value) for value in values]
        axes.bar_label(drawn, texts, padding=2, fontproperties=_font(spec, spec.style.text_px), color=spec.style.ink)


def _histogram(axes: Any, spec: ChartSpec) -> None:
    edges, values = spec.figures.bin_edges, spec.figures.series[0].values
    font = _font(spec, spec.style.text_px)
    code = spec.colour(0).code
    edge = {"edgecolor": spec.style.background, "linewidth": 1.2}
    drawn = axes.bar(edges[:-1], values, width=edges[1] - edges[0], align="edge", color=code, **edge)
    axes.set_xticks(edges, [f"{edge:g}" for edge in edges], fontproperties=font, color=spec.style.ink)
    _bar_labels(axes, spec, drawn, values)


def _line(axes: Any, spec: ChartSpec) -> None:
    style = spec.style
    marker = {"marker": "o", "markersize": style.line_px * 2.2} if style.markers else {}
    for i, row in enumerate(spec.figures.series):
        axes.plot(range(len(row.values)), row.values, color=spec.colour(i).code, linewidth=style.line_px, label=row.name, **marker)
        for k, value in enumerate(row.values if style.value_labels else ()):
            _above(axes, spec, k, value)
    axes.margins(x=0.06)


def _above(axes: Any, spec: ChartSpec, place: int, value: float) -> None:
    font = _font(spec, spec.style.text_px)
    axes.annotate(
        spec.number(value), (place, value), (0, 5), textcoords="offset points", ha="center", fontproperties=font, color=spec.style.ink
    )


def _area(axes: Any, spec: ChartSpec) -> None:
    rows = spec.figures.series
    places = range(len(spec.figures.categories))
    codes = [spec.colour(i).code for i in range(len(rows))]
    axes.stackplot(places, *[row.values for row in rows], colors=codes, labels=[row.name for row in rows], alpha=0.9)
    for k, value in enumerate(rows[0].values if spec.style.value_labels else ()):
        _above(axes, spec, k, value)
    axes.margins(x=0.06)


def _scatter(axes: Any, spec: ChartSpec) -> None:
    assert spec.across is not None
    font = _font(spec, spec.style.text_px)
    shapes = "os^D"
    for i, row in enumerate(spec.figures.series):
        x, y = zip(*row.points, strict=True)
        axes.scatter(x, y, s=(spec.style.line_px * 2.6) ** 2, c=spec.colour(i).code, marker=shapes[i % 4], label=row.name, alpha=0.85)
    axes.set_xlim(spec.across.low, spec.across.high)
    axes.set_xticks(spec.across.ticks, [f"{tick:g}" for tick in spec.across.ticks], fontproperties=font, color=spec.style.ink)


def _pie(axes: Any, spec: ChartSpec) -> None:
    style, values = spec.style, spec.figures.series[0].values
    codes = [spec.colour(i).code for i in range(len(values))]
    hole = {"width": 0.45} if spec.kind == "donut" else {}
    wedges = axes.pie(values, colors=codes, startangle=90, counterclock=False, wedgeprops={"edgecolor": style.background, **hole})[0]
    if style.value_labels:
        for wedge, value, code in zip(wedges, values, codes, strict=True):
            angle = math.radians((wedge.theta1 + wedge.theta2) / 2)
            far = 0.78 if spec.kind == "donut" else 0.7
            far, colour = (far, contrast(code)) if value > 0.08 * sum(values) else (1.13, style.ink)
            look = {"ha": "center", "va": "center", "fontproperties": _font(spec, style.text_px), "color": colour}
            axes.text(far * math.cos(angle), far * math.sin(angle), spec.share(value), **look)
    for wedge, name in zip(wedges, spec.figures.categories, strict=True):
        wedge.set_label(name)


def _legend(axes: Any, spec: ChartSpec) -> None:
    style = spec.style
    font = _font(spec, style.text_px)
    names = spec.figures.categories if spec.kind in ("pie", "donut") else tuple(row.name for row in spec.figures.series)
    fitting = int(0.9 * style.width / (max(text_width(style.face, name, style.text_px) for name in names) + 3.5 * style.text_px))
    columns = 1 if style.legend == "right" else max(1, min(len(names), fitting))
    where = {"right": "outside right center", "top": "outside upper center", "bottom": "outside lower center"}[style.legend]
    box = {"frameon": style.frame == "box", "facecolor": style.background}
    axes.figure.legend(loc=where, ncols=columns, prop=font, labelcolor=style.ink, **box)


PAINTERS = {
    "bar": _bars,
    "barh": _bars,
    "grouped": _grouped,
    "stacked": _stacked,
    "histogram": _histogram,
    "line": _line,
    "area": _area,
    "scatter": _scatter,
}
