"""Questions about a chart whose answers can be read from its picture.

Asker -> TASKS[name](asker) -> Asked(turn, facts), or None where the task doesn't suit the chart
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from statistics import StatisticsError, correlation

from recipes.nano.data.chart_style import COLOUR_WORDS
from recipes.nano.data.families.asked import Asked
from recipes.nano.data.families.chart_asker import Asker
from recipes.nano.data.families.phrases_charts import KIND_WORDS, REFUSALS


def _value(ask: Asker) -> Asked | None:
    if not ask.plain or (ask.round and not ask.labelled):
        return None
    k = ask.source.randrange(len(ask.values))
    name = ask.spec.figures.categories[k]
    if ask.round:
        return ask.asked(
            "share", ask.spec.share(ask.values[k]), name=name, facts={"value": ask.values[k] / sum(ask.values), "tolerance": 0.0}
        )
    answer, facts = ask.read(ask.values[k])
    return ask.asked("value", answer, name=name, facts=facts)


def _value_row(ask: Asker) -> Asked | None:
    rows = ask.spec.figures.series
    if len(rows) < 2 or ask.spec.kind == "scatter":
        return None
    stacked = ask.spec.kind in ("stacked", "area")
    i = 0 if stacked and not ask.labelled else ask.source.randrange(len(rows))
    k = ask.source.randrange(len(rows[i].values))
    answer, facts = ask.read(rows[i].values[k])
    return ask.asked("value_row", answer, name=ask.spec.figures.categories[k], row=rows[i].name, facts=facts)


def _extreme(task: str, sign: int) -> Callable[[Asker], Asked | None]:
    def find(ask: Asker) -> Asked | None:
        if not ask.plain or ask.spec.kind == "histogram":
            return None
        order = sorted(range(len(ask.values)), key=lambda k: -sign * ask.values[k])
        if not ask.apart(ask.values[order[0]], ask.values[order[1]]):
            return None
        return ask.asked(task, ask.spec.figures.categories[order[0]])

    return find


def _largest_row(ask: Asker) -> Asked | None:
    rows = ask.spec.figures.series
    if len(rows) < 2 or ask.spec.kind not in ("grouped", "stacked", "line"):
        return None
    k = ask.source.randrange(len(ask.spec.figures.categories))
    order = sorted(rows, key=lambda row: -row.values[k])
    if not ask.apart(order[0].values[k], order[1].values[k]):
        return None
    return ask.asked("largest_row", order[0].name, name=ask.spec.figures.categories[k])


def _second(ask: Asker) -> Asked | None:
    if not ask.plain or ask.spec.kind == "histogram" or len(ask.values) < 4:
        return None
    order = sorted(range(len(ask.values)), key=lambda k: -ask.values[k])
    if not all(ask.apart(ask.values[a], ask.values[b]) for a, b in pairwise(order[:3])):
        return None
    return ask.asked("second", ask.spec.figures.categories[order[1]])


def _arithmetic(task: str) -> Callable[[Asker], Asked | None]:
    def work_out(ask: Asker) -> Asked | None:
        figures = ask.spec.figures
        if not ask.plain or ask.round or not ask.labelled or ask.spec.kind == "histogram":
            return None
        a, b = ask.pair()
        x, y = ask.values[a], ask.values[b]
        if task != "difference" and (figures.unit in ("°C", "%") or min(x, y) <= 0):
            return None
        if task == "ratio":
            ratio = x / y
            if abs(ratio * 10 % 1 - 0.5) < 1e-6:  # a tie in rounding has two right answers
                return None
            return ask.asked(
                task, f"{ratio:.1f}", name=figures.categories[a], other=figures.categories[b], facts={"value": ratio, "tolerance": 0.05}
            )
        result = round(x + y if task == "sum" else abs(x - y), figures.decimals)
        answer = ask.spec.number(result)
        if figures.unit == "%":
            answer = answer.removesuffix("%") + ask.word(" percentage points", "个百分点")
        return ask.asked(
            task, answer, name=figures.categories[a], other=figures.categories[b], facts={"value": result, "tolerance": 0.0}
        )

    return work_out


def _compare(ask: Asker) -> Asked | None:
    if not ask.plain or ask.spec.kind == "histogram":
        return None
    a, b = ask.pair()
    if not ask.apart(ask.values[a], ask.values[b]):
        return None
    names = ask.spec.figures.categories
    answer = ask.word("Yes.", "是。") if ask.values[a] > ask.values[b] else ask.word("No.", "否。")
    return ask.asked("compare", answer, name=names[a], other=names[b])


def _above(ask: Asker) -> Asked | None:
    if not ask.plain or ask.round or ask.spec.kind == "histogram":
        return None
    limits = [tick for tick in ask.spec.axis.ticks[1:-1] if all(ask.apart(value, tick) for value in ask.values)]
    if not limits:
        return None
    limit = ask.source.choice(limits)
    count = sum(value > limit for value in ask.values)
    return ask.asked("above", str(count), limit=ask.spec.tick(limit), facts={"value": count, "tolerance": 0.0})


def _title(ask: Asker) -> Asked:
    return ask.asked("title", ask.spec.figures.title)


def _axis_label(task: str) -> Callable[[Asker], Asked | None]:
    def read_off(ask: Asker) -> Asked | None:
        if ask.round:
            return None
        of_values = (task == "y_label") != (ask.spec.kind == "barh")
        return ask.asked(task, ask.spec.figures.value_label if of_values else ask.spec.figures.category_label)

    return read_off


def _legend_entries(ask: Asker) -> tuple[str, ...]:
    figures = ask.spec.figures
    return () if not ask.spec.has_legend else figures.categories if ask.round else tuple(row.name for row in figures.series)


def _legend_count(ask: Asker) -> Asked | None:
    names = _legend_entries(ask)
    return ask.asked("legend_count", str(len(names)), facts={"value": len(names), "tolerance": 0.0}) if names else None


def _legend_names(ask: Asker) -> Asked | None:
    names = _legend_entries(ask)
    joint = "、" if ask.spec.figures.language == "zh" else ", "
    return ask.asked("legend_names", joint.join(names)) if names else None


def _names(ask: Asker) -> Asked | None:
    figures = ask.spec.figures
    if not figures.categories or ask.spec.kind == "histogram" or ask.round:
        return None
    return ask.asked("names", ("、" if figures.language == "zh" else ", ").join(figures.categories))


def _trend(ask: Asker) -> Asked | None:
    figures = ask.spec.figures
    if not figures.in_time or ask.round or len(figures.categories) < 4 or ask.spec.kind in ("stacked", "grouped"):
        return None
    if ask.spec.kind == "area" and len(figures.series) > 1:
        return None
    row = ask.source.choice(figures.series)
    span = (max(row.values) - min(row.values)) / (ask.spec.axis.high - ask.spec.axis.low)
    way = _correlation(list(range(len(row.values))), list(row.values))
    if way is None or span < 0.15 or 0.25 < abs(way) < 0.85:
        return None
    answer = (
        ask.word("No clear trend.", "没有明显趋势。")
        if abs(way) <= 0.25
        else ask.word("Rising.", "上升。")
        if way > 0
        else ask.word("Falling.", "下降。")
    )
    return ask.asked("trend", answer) if len(figures.series) == 1 else ask.asked("trend_row", answer, row=row.name)


def _correlated(ask: Asker) -> Asked | None:
    if ask.spec.kind != "scatter":
        return None
    rows = ask.spec.figures.series
    points = [point for row in rows for point in row.points]
    ways = [_correlation([x for x, _ in some], [y for _, y in some]) for some in (points, *(row.points for row in rows))]
    found = [way for way in ways if way is not None]
    if len(found) < len(ways):
        return None
    if all(way > 0.6 for way in found):
        return ask.asked("correlation", ask.word("Positive: they rise together.", "正相关。"))
    if all(way < -0.6 for way in found):
        return ask.asked("correlation", ask.word("Negative: one falls as the other rises.", "负相关。"))
    return ask.asked("correlation", ask.word("No clear relation.", "没有明显关系。")) if all(abs(way) < 0.2 for way in found) else None


def _correlation(x: list[float], y: list[float]) -> float | None:
    try:
        return correlation(x, y)
    except StatisticsError:  # all alike
        return None


def _count(ask: Asker) -> Asked | None:
    figures, kind = ask.spec.figures, ask.spec.kind
    if kind in ("bar", "barh", "grouped"):
        drawn = [value for row in figures.series for value in row.values]
        task, count = "bar_count", len(drawn)
        if min(abs(value) for value in drawn) < 0.02 * (ask.spec.axis.high - ask.spec.axis.low):
            return None  # a bar too flat to be seen
    elif kind in ("pie", "donut"):
        task, count = "slice_count", len(figures.categories)
    elif kind in ("line", "area"):
        task, count = "point_count", len(figures.categories)
    else:
        return None
    return ask.asked(task, str(count), facts={"value": count, "tolerance": 0.0})


def _colour(ask: Asker) -> Asked | None:
    names = _legend_entries(ask)
    if not names:
        if ask.spec.kind not in ("bar", "barh", "histogram"):
            return None
        return ask.asked("single_colour", _colour_word(ask, 0) + ask.word(".", "。"))
    if len(names) > len(ask.spec.style.colours):
        return None
    i = ask.source.randrange(len(names))
    if ask.source.random() < 0.5:
        return ask.asked("by_colour", names[i], colour=_colour_word(ask, i).lower())
    return ask.asked("colour", _colour_word(ask, i) + ask.word(".", "。"), row=names[i])


def _colour_word(ask: Asker, index: int) -> str:
    english, chinese = COLOUR_WORDS[ask.spec.colour(index).word]
    return ask.word(english.capitalize(), chinese)


def _kind(ask: Asker) -> Asked:
    english, chinese = KIND_WORDS[ask.spec.kind]
    return ask.asked("kind", ask.word(english.capitalize() + ".", chinese + "。"))


def _table(ask: Asker) -> Asked | None:
    figures = ask.spec.figures
    if not ask.labelled or not figures.categories or len(figures.categories) * len(figures.series) > 24:
        return None
    heads = [figures.category_label, *(row.name for row in figures.series)]
    if len(figures.series) == 1:
        heads = [figures.category_label, "%" if ask.round else figures.value_label]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for k, name in enumerate(figures.categories):
        cells = [ask.spec.share(row.values[k]) if ask.round else ask.spec.number(row.values[k]) for row in figures.series]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return ask.asked("table", "\n".join(lines))


def _highest_bin(ask: Asker) -> Asked | None:
    if ask.spec.kind != "histogram":
        return None
    order = sorted(range(len(ask.values)), key=lambda k: -ask.values[k])
    return (
        ask.asked("highest_bin", ask.spec.figures.categories[order[0]])
        if ask.apart(ask.values[order[0]], ask.values[order[1]])
        else None
    )


def _top_tick(ask: Asker) -> Asked | None:
    return None if ask.round else ask.asked("top_tick", ask.spec.tick(ask.spec.axis.ticks[-1]))


def _locate(ask: Asker) -> Asked | None:
    if not ask.drawing.boxes or not ask.plain or ask.spec.kind == "histogram":
        return None
    keys = [key for key, box in ask.drawing.boxes.items() if box[2] - box[0] >= 4 and box[3] - box[1] >= 4]
    if not keys:
        return None
    key = ask.source.choice(keys)
    width, height = ask.drawing.image.size
    x1, y1, x2, y2 = ask.drawing.boxes[key]
    box = [round(1000 * x1 / width), round(1000 * y1 / height), round(1000 * x2 / width), round(1000 * y2 / height)]
    name = ask.spec.figures.categories[int(key.split("/")[1])]
    return ask.asked("locate", f"<ref>{name}</ref><box>[{box}]</box>", name=name, facts={"box": box})


def _absent(ask: Asker) -> Asked | None:
    """A question about something that the chart doesn't have."""
    figures, say_no = ask.spec.figures, ask.source.choice(REFUSALS[ask.language])
    on_chart = {*figures.categories, *(row.name for row in figures.series)}
    others = [name for name in figures.others if not any(name in shown for shown in on_chart) and name not in figures.title]
    if ask.round and ask.source.random() < 0.3:
        asked = ask.asked(ask.source.choice(("x_label", "y_label")), say_no)
    elif others:
        name = ask.source.choice(others)
        asked = ask.asked("value", say_no, name=name) if len(figures.series) == 1 else _absent_row(ask, name, say_no)
    elif not ask.spec.has_legend:
        asked = ask.asked("legend_names", say_no)
    else:
        return None
    return Asked(asked.turn, {**asked.facts, "task": "absent"})


def _absent_row(ask: Asker, name: str, say_no: str) -> Asked:
    return ask.asked("value_row", say_no, name=name, row=ask.source.choice(ask.spec.figures.series).name)


TASKS: dict[str, Callable[[Asker], Asked | None]] = {
    "value": _value,
    "value_row": _value_row,
    "largest": _extreme("largest", 1),
    "smallest": _extreme("smallest", -1),
    "largest_row": _largest_row,
    "second": _second,
    "difference": _arithmetic("difference"),
    "sum": _arithmetic("sum"),
    "ratio": _arithmetic("ratio"),
    "compare": _compare,
    "above": _above,
    "title": _title,
    "x_label": _axis_label("x_label"),
    "y_label": _axis_label("y_label"),
    "legend_count": _legend_count,
    "legend_names": _legend_names,
    "names": _names,
    "trend": _trend,
    "correlation": _correlated,
    "count": _count,
    "colour": _colour,
    "kind": _kind,
    "table": _table,
    "highest_bin": _highest_bin,
    "top_tick": _top_tick,
    "locate": _locate,
    "absent": _absent,
}
# How often a task is drawn; 1 for those not named.
WEIGHTS = {
    "value": 7.0,
    "value_row": 7.0,
    "largest": 3.0,
    "smallest": 2.5,
    "title": 2.0,
    "table": 2.0,
    "largest_row": 2.0,
    "absent": 1.6,
    "above": 0.7,
    "kind": 0.8,
    "top_tick": 0.4,
}
