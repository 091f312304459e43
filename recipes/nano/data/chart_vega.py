"""Charts drawn by Vega-Lite through vl-convert, without a browser.

ChartSpec -> grammar(spec) -> Vega-Lite as JSON -> draw(spec) -> Drawing
"""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import PIL.Image
from recipes.nano.data.chart_spec import ChartSpec, Drawing, contrast, label_angle, text_width, title_size
from recipes.nano.data.sample import MissingMaterial

Json = dict[str, Any]
PLAIN = "'' + round(datum.value * 1000) / 1000"


def draw(spec: ChartSpec) -> Drawing:
    """The picture of a chart. Raises MissingMaterial without vl-convert."""
    try:
        import vl_convert
    except ModuleNotFoundError as error:
        raise MissingMaterial("these charts need Vega-Lite: pip install vl-convert-python") from error
    _register(str(Path(str(spec.style.face.path)).parent))
    picture = vl_convert.vegalite_to_png(grammar(spec), scale=1.0, ppi=72, show_warnings=False)
    return Drawing(PIL.Image.open(io.BytesIO(picture)).convert("RGB"))


def grammar(spec: ChartSpec) -> Json:
    """The chart in Vega-Lite's grammar. Numbers on it are texts made here, so that all renderers write them alike."""
    style = spec.style
    chart = _pie(spec) if spec.kind in ("pie", "donut") else _plane(spec)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": style.width,
        "height": style.height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 10,
        "background": style.background,
        "title": {
            "text": spec.figures.title,
            "fontSize": title_size(spec),
            "anchor": "start" if style.title_left else "middle",
            "offset": 10,
        },
        "config": _config(spec),
        **chart,
    }


@lru_cache(maxsize=64)
def _register(folder: str) -> None:
    import vl_convert

    vl_convert.register_font_directory(folder)


def _config(spec: ChartSpec) -> Json:
    style = spec.style
    family = style.face.at(style.text_px).getname()[0]
    ink = {"labelColor": style.ink, "titleColor": style.ink}
    text = {"labelFontSize": style.text_px, "titleFontSize": style.text_px, "labelLimit": 300, "titleLimit": 600}
    axis = {"grid": False, "domain": style.frame != "none", "domainColor": style.ink, "tickColor": style.ink, **ink, **text}
    return {
        "font": family,
        "title": {"color": style.ink, "fontWeight": "normal", "limit": style.width},
        "axis": {**axis, "titleFontWeight": "normal"},
        "legend": {
            **ink,
            **text,
            "orient": style.legend,
            "title": None,
            "symbolType": "square",
            "columns": 1 if style.legend == "right" else 3,
        },
        "view": {"stroke": style.ink if style.frame == "box" else None},
    }


def _plane(spec: ChartSpec) -> Json:
    encoding = {"scatter": _scatter, "histogram": _histogram}.get(spec.kind, _named)
    return encoding(spec)


def _value_axis(spec: ChartSpec) -> Json:
    """Ticks with the texts that every renderer writes."""
    ticks, style = spec.axis.ticks, spec.style
    texts = "{" + ",".join(f"'{i}':'{spec.tick(tick)}'" for i, tick in enumerate(ticks)) + "}"
    grid = {"grid": True, "gridColor": style.grid} if style.grid else {}
    place = f"round((datum.value-({spec.axis.low}))/{spec.axis.step})"
    axis = {"values": list(ticks), "labelExpr": f"{texts}[{place}]", "title": spec.figures.value_label, "labelOverlap": False, **grid}
    return {"type": "quantitative", "scale": {"domain": [spec.axis.low, spec.axis.high], "nice": False, "zero": False}, "axis": axis}


def _rows(spec: ChartSpec) -> list[Json]:
    return [
        {"name": name, "row": row.name, "value": value, "label": spec.number(value), "order": i, "ink": contrast(spec.colour(i).code)}
        for i, row in enumerate(spec.figures.series)
        for name, value in zip(spec.figures.categories, row.values, strict=True)
    ]


def _named(spec: ChartSpec) -> Json:
    """Bars, lines and areas over named places."""
    style, figures, kind = spec.style, spec.figures, spec.kind
    turned = kind == "barh"
    angle = 0 if turned else -label_angle(spec)
    widest = max(text_width(style.face, name, style.text_px) for name in figures.categories)
    room = {"minExtent": widest + 14} if turned else {}
    align = {"labelAlign": "right", "labelBaseline": "middle"} if angle else {}
    bars = kind in ("bar", "barh", "grouped", "stacked")
    scale: Json = {"paddingInner": 1 - style.bar_share, "paddingOuter": (1 - style.bar_share) / 2} if bars else {"padding": 0.3}
    names: Json = {
        "field": "name",
        "type": "nominal",
        "sort": list(figures.categories),
        "scale": scale,
        "axis": {"title": figures.category_label, "labelAngle": angle, "labelOverlap": False, **align, **room},
    }
    stack = {"stack": "zero" if kind in ("stacked", "area") else None}
    values = {"field": "value", **_value_axis(spec), **stack}
    encoding: Json = {"y": names, "x": values} if turned else {"x": names, "y": values}
    encoding |= (
        {"color": _colour(spec), "order": {"field": "order", "type": "quantitative"}} if kind != "line" else {"color": _colour(spec)}
    )
    if kind == "grouped":
        encoding["xOffset"] = {"field": "row", "type": "nominal", "sort": [row.name for row in figures.series]}
    layers = [{"mark": _mark(spec)}]
    if style.value_labels:
        layers.append(_text_layer(spec))
    return {"data": {"values": _rows(spec)}, "encoding": encoding, "layer": layers}


def _mark(spec: ChartSpec) -> Json:
    if spec.kind == "line":
        return {"type": "line", "strokeWidth": spec.style.line_px, "point": {"size": 40} if spec.style.markers else False}
    if spec.kind == "area":
        return {"type": "area", "opacity": 0.92, "line": False}
    return {"type": "bar", "cornerRadiusEnd": 4 if spec.style.rounded and spec.kind != "stacked" else 0}


def _text_layer(spec: ChartSpec) -> Json:
    size, family = spec.style.text_px, spec.style.face.at(spec.style.text_px).getname()[0]
    mark: Json = {"type": "text", "fontSize": size, "font": family, "align": "center", "baseline": "bottom", "dy": -3}
    over: Json = {"text": {"field": "label"}, "color": {"value": spec.style.ink}}
    if spec.kind == "barh":
        sides = {"expr": "datum.value < 0 ? 'right' : 'left'"}
        mark |= {"align": sides, "baseline": "middle", "dy": 0, "dx": {"expr": "datum.value < 0 ? -4 : 4"}}
    elif spec.kind == "stacked":
        mark |= {"baseline": "middle", "dy": 0}
        over = {"text": {"field": "label"}, "color": {"field": "ink", "type": "nominal", "scale": None}}
        over["y"] = {"field": "value", **_value_axis(spec), "stack": "zero", "bandPosition": 0.5}
        over["detail"] = {"field": "row", "type": "nominal"}
    elif spec.kind in ("bar", "grouped"):
        mark |= {"baseline": {"expr": "datum.value < 0 ? 'top' : 'bottom'"}, "dy": {"expr": "datum.value < 0 ? 3 : -3"}}
    return {"mark": mark, "encoding": over}


def _colour(spec: ChartSpec) -> Json:
    names = [row.name for row in spec.figures.series]
    codes = [spec.colour(i).code for i in range(len(names))]
    scale = {"domain": names, "range": codes}
    return {"field": "row", "type": "nominal", "scale": scale, "legend": {} if spec.has_legend else None}


def _histogram(spec: ChartSpec) -> Json:
    edges, values = spec.figures.bin_edges, spec.figures.series[0].values
    rows = [{"a": a, "b": b, "value": v, "label": spec.number(v)} for a, b, v in zip(edges, edges[1:], values, strict=False)]
    across = {"domain": [edges[0], edges[-1]], "nice": False, "zero": False}
    axis = {"values": list(edges), "title": spec.figures.category_label, "labelOverlap": False, "labelExpr": PLAIN}
    encoding: Json = {
        "x": {"field": "a", "bin": "binned", "type": "quantitative", "scale": across, "axis": axis},
        "y": {"field": "value", **_value_axis(spec)},
    }
    bars = {"mark": {"type": "bar", "color": spec.colour(0).code, "stroke": spec.style.background}, "encoding": {"x2": {"field": "b"}}}
    layers: list[Json] = [bars]
    if spec.style.value_labels:
        middle = edges[1] - edges[0]
        text = {"type": "text", "fontSize": spec.style.text_px, "color": spec.style.ink, "baseline": "bottom", "dy": -3}
        layers.append(
            {"transform": [{"calculate": f"datum.a+{middle / 2}", "as": "a"}], "mark": text, "encoding": {"text": {"field": "label"}}}
        )
    return {"data": {"values": rows}, "encoding": encoding, "layer": layers}


def _scatter(spec: ChartSpec) -> Json:
    assert spec.across is not None
    rows = [{"x": x, "value": y, "row": row.name} for row in spec.figures.series for x, y in row.points]
    axis = {"values": list(spec.across.ticks), "title": spec.figures.category_label, "labelExpr": PLAIN, "labelOverlap": False}
    scale = {"domain": [spec.across.low, spec.across.high], "nice": False, "zero": False}
    encoding = {
        "x": {"field": "x", "type": "quantitative", "scale": scale, "axis": axis},
        "y": {"field": "value", **_value_axis(spec)},
        "color": _colour(spec),
    }
    return {
        "data": {"values": rows},
        "encoding": encoding,
        "mark": {"type": "point", "filled": True, "size": (spec.style.line_px * 3) ** 2, "opacity": 0.9},
    }


def _pie(spec: ChartSpec) -> Json:
    style, values, names = spec.style, spec.figures.series[0].values, spec.figures.categories
    codes = [spec.colour(i).code for i in range(len(names))]
    rows = [
        {
            "name": name,
            "value": value,
            "label": spec.share(value) if value > 0.08 * sum(values) else "",
            "small": spec.share(value),
            "order": i,
        }
        for i, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    radius = 0.36 * min(
        style.width * (0.75 if style.legend == "right" else 1.0), style.height * (0.9 if style.legend == "right" else 0.72)
    )
    hole = 0.5 * radius if spec.kind == "donut" else 0
    encoding: Json = {
        "theta": {"field": "value", "type": "quantitative", "stack": True},
        "order": {"field": "order", "type": "quantitative"},
        "color": {
            "field": "name",
            "type": "nominal",
            "scale": {"domain": list(names), "range": codes},
            "sort": list(names),
            "legend": {},
        },
    }
    layers: list[Json] = [{"mark": {"type": "arc", "outerRadius": radius, "innerRadius": hole, "stroke": style.background}}]
    if style.value_labels:
        mark = {"type": "text", "radius": 1.16 * radius, "fontSize": style.text_px, "fill": style.ink}
        layers.append({"mark": mark, "encoding": {"text": {"field": "small"}}})
    return {"data": {"values": rows}, "encoding": encoding, "layer": layers}
