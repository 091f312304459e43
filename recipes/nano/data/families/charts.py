"""Charts with questions about them: real and made numbers, ten kinds of chart, three renderers, English and Chinese.

source -> figures -> kind, style, axis -> ChartSpec -> a renderer -> picture; one to three questions -> Sample
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from recipes.nano.data import chart_matplotlib, chart_svg, chart_vega
from recipes.nano.data.chart_data import figures
from recipes.nano.data.chart_spec import Axis, ChartSpec, Drawing, Figures, Kind, Style, labels_fit, nice_axis, text_width
from recipes.nano.data.chart_style import most_colours, style
from recipes.nano.data.degrade import degrade
from recipes.nano.data.families.asked import Asked
from recipes.nano.data.families.chart_asker import Asker
from recipes.nano.data.families.chart_questions import TASKS, WEIGHTS
from recipes.nano.data.sample import Language, Sample, Split

RENDERERS: Mapping[str, Callable[[ChartSpec], Drawing]] = {
    "matplotlib": chart_matplotlib.draw,
    "vega": chart_vega.draw,
    "svg": chart_svg.draw,
}
PLAIN_GRID = "#a8a8a8"
CHINESE_SHARE, CROSS_SHARE, WORN_SHARE = 0.45, 0.12, 0.15


class Charts:
    """The family. renderers: which may draw; real_numbers: whether published tables are used (they must have been fetched)."""

    name = "charts"

    def __init__(self, renderers: tuple[str, ...] = tuple(RENDERERS), *, real_numbers: bool = True) -> None:
        self.renderers = renderers
        self.real_numbers = real_numbers

    def sample(self, source: random.Random, split: Split) -> Sample:
        """One chart with one to three questions. Raises MissingMaterial."""
        spec = compose(source, split, real_numbers=self.real_numbers)
        renderer = source.choice(self.renderers)
        drawing = RENDERERS[renderer](spec)
        language = _question_language(source, spec.figures.language)
        asked = _questions(Asker(spec, drawing, source, language))
        picture = drawing.image
        if all(one.facts["task"] != "locate" for one in asked) and source.random() < WORN_SHARE:
            picture = degrade(picture, source, strength=source.uniform(0.1, 0.5), text_px=spec.style.text_px, split=split)
        facts = {"kind": spec.kind, "renderer": renderer, "title": spec.figures.title, "turns": [one.facts for one in asked]}
        return Sample(
            family=self.name,
            task=asked[0].facts["task"],
            language=language,
            images=(picture,),
            turns=tuple(one.turn for one in asked),
            facts={**facts, "data": _data(spec)},
        )


def compose(source: random.Random, split: Split, *, real_numbers: bool) -> ChartSpec:
    """Everything about one chart, before it is drawn."""
    language: Language = "zh" if source.random() < CHINESE_SHARE else "en"
    content = figures(source, language, split, real=real_numbers, most_series=most_colours(split))
    kind = source.choice(content.kinds)
    look = _look(source, split, content, kind)
    spec = ChartSpec(kind=kind, figures=content, style=look, axis=_axis(source, content, kind), across=_across(source, content))
    return _readable(spec)


def _look(source: random.Random, split: Split, content: Figures, kind: Kind) -> Style:
    words = (content.title, content.category_label, content.value_label, *content.categories, *(row.name for row in content.series))
    colours = len(content.categories) if kind in ("pie", "donut") else len(content.series)
    return style(source, content.language, split, kind, text="".join(words) + content.unit + "0123456789.,-%", colours=colours)


def _axis(source: random.Random, content: Figures, kind: Kind) -> Axis:
    values = tuple(value for row in content.series for value in row.values) or tuple(y for row in content.series for _, y in row.points)
    if kind in ("stacked", "area"):
        values = tuple(sum(row.values[k] for row in content.series) for k in range(len(content.categories)))
    from_zero = kind not in ("line", "scatter") or (kind == "line" and source.random() < 0.4)
    return nice_axis(values, from_zero=from_zero, lines=source.choice((4, 5, 5, 6, 8)))


def _across(source: random.Random, content: Figures) -> Axis | None:
    places = tuple(x for row in content.series for x, _ in row.points)
    return nice_axis(places, from_zero=False, lines=source.choice((4, 5, 6))) if places else None


def _readable(spec: ChartSpec) -> ChartSpec:
    """The same chart with its numbers left out where they would meet, and larger where its names would not fit."""
    look = spec.style
    if spec.kind == "barh":  # names stand beside the bars
        widest = max(text_width(look.face, name, look.text_px) for name in spec.figures.categories)
        look = replace(
            look,
            width=max(look.width, int(widest * 2.2)),
            height=max(look.height, int(len(spec.figures.categories) * 2.6 * look.text_px)),
        )
    if spec.kind in ("pie", "donut") and look.legend == "right":
        widest = max(text_width(look.face, name, look.text_px) for name in spec.figures.categories)
        look = replace(look, width=max(look.width, int(widest + 0.9 * look.height)))
    if look.value_labels and not labels_fit(replace(spec, style=look)):
        look = replace(look, value_labels=False)
    if not look.value_labels and look.grid is None:  # nothing else to read values by
        look = replace(look, grid=PLAIN_GRID)
    return replace(spec, style=look)


def _question_language(source: random.Random, language: Language) -> Language:
    if source.random() >= CROSS_SHARE:
        return language
    return "en" if language == "zh" else "zh"


def _questions(asker: Asker) -> list[Asked]:
    """One to three questions of different kinds that suit the chart."""
    wanted = asker.source.choice((1, 1, 2, 3))
    tasks = list(TASKS)
    found: list[Asked] = []
    while tasks and len(found) < wanted:
        task = asker.source.choices(tasks, [WEIGHTS.get(one, 1.0) for one in tasks])[0]
        tasks.remove(task)
        asked = TASKS[task](asker)
        if asked is not None:
            found.append(asked)
    return found


def _data(spec: ChartSpec) -> dict[str, object]:
    rows = {row.name: list(row.values) if row.values else [list(point) for point in row.points] for row in spec.figures.series}
    return {"categories": list(spec.figures.categories), "series": rows, "labels": spec.style.value_labels}
