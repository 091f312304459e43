"""Numbers for charts: real ones from published tables, and made ones that look like business reports.

(source, language, split) -> figures(...) -> Figures               content whose hash falls into another split is drawn again
"""

from __future__ import annotations

import random
from itertools import pairwise

from recipes.nano.data import chart_real
from recipes.nano.data.chart_spec import Figures, Kind, Series
from recipes.nano.data.chart_words import GOODS, MEASURES, SETS, Measure, say
from recipes.nano.data.sample import Language, Split, part_of

REAL_SHARE = 0.5
TRIES = 2000


def figures(source: random.Random, language: Language, split: Split, *, real: bool = True, most_series: int = 6) -> Figures:
    """The content of one chart. Raises MissingMaterial when real numbers are wanted and their tables are not there."""
    from_tables = real and source.random() < REAL_SHARE
    for _ in range(TRIES):
        drawn = chart_real.figures(source, language) if from_tables else made(source, language)
        if len(drawn.series) <= most_series and part_of(drawn.key) == split:
            return drawn
    raise RuntimeError(f"no chart for the split {split!r} in {TRIES} tries")


def made(source: random.Random, language: Language) -> Figures:
    """A chart of made-up numbers."""
    pick = source.random()
    if pick < 0.08:
        return _made_scatter(source, language)
    if pick < 0.14:
        return _made_histogram(source, language)
    return _made_series(source, language)


def _made_series(source: random.Random, language: Language) -> Figures:
    measure = source.choice(MEASURES)
    set_name = source.choice(measure.sets)
    categories, others, in_time = _categories(source, set_name, language)
    rows = source.choice((1, 1, 1, 2, 2, 3, 3, 4)) if len(categories) <= 8 or in_time else 1
    names, row_set = _row_names(source, set_name, rows, measure, language)
    decimals = measure.decimals
    series = tuple(Series(name, _values(source, measure, len(categories), in_time)) for name in names)
    return Figures(
        language=language,
        title=_title(source, measure, set_name, row_set, language),
        category_label=say(set_name, language),
        value_label=measure.english if language == "en" else measure.chinese,
        categories=categories,
        series=series,
        decimals=decimals,
        unit=measure.unit,
        in_time=in_time,
        whole=measure.whole,
        kinds=_kinds(rows, len(categories), in_time, measure),
        others=others,
    )


def _kinds(rows: int, count: int, in_time: bool, measure: Measure) -> tuple[Kind, ...]:
    signed = measure.low < 0
    if rows > 1:
        stackable: tuple[Kind, ...] = (
            ("stacked", "stacked", "area") if measure.whole and in_time else ("stacked",) if measure.whole else ()
        )
        return ("grouped", "grouped", *stackable, *(("line", "line", "line") if in_time else ()))
    if in_time:
        return ("line", "line", "bar") if signed else ("line", "line", "bar", "area")
    pies: tuple[Kind, ...] = ("pie", "donut") if measure.whole and count <= 6 else ()
    return ("bar", "bar", "barh", *pies)


def _categories(source: random.Random, set_name: str, language: Language) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    if set_name == "Year":
        first, count = source.randint(1985, 2019), source.randint(3, 9)
        step = source.choice((1, 1, 1, 2, 5)) if count < 7 else 1
        years = tuple(str(first + i * step) for i in range(count))
        return years, (str(first - source.randint(1, 9)), str(first + count * step + source.randint(1, 9))), True
    whole_set = SETS[set_name]
    in_time = set_name in ("Month", "Quarter", "Weekday", "Age group")
    count = source.randint(3, min(len(whole_set), 12 if in_time else 9))
    if in_time:
        start = source.randint(0, len(whole_set) - count)
        chosen = list(whole_set[start : start + count])
    else:
        chosen = source.sample(whole_set, count)
    others = [say(name, language) for name in whole_set if name not in chosen]
    return tuple(say(name, language) for name in chosen), tuple(others), in_time and set_name != "Age group"


def _row_names(source: random.Random, set_name: str, rows: int, measure: Measure, language: Language) -> tuple[list[str], str]:
    if rows == 1:
        return [measure.english if language == "en" else measure.chinese], ""
    options = [name for name in measure.sets if name != set_name and name not in ("Month", "Weekday")]
    if set_name in GOODS:  # of two sets of goods neither divides the other
        options = [name for name in options if name not in GOODS]
    options = [name for name in options if name == "Year" or len(SETS[name]) >= rows]
    row_set = source.choice(options) if options and source.random() < 0.8 else "Year"
    if row_set == "Year" and set_name == "Year":
        row_set = "City"
    if row_set == "Year":
        first = source.randint(1990, 2022)
        return [str(first + i) for i in range(rows)], "Year"
    return [say(name, language) for name in source.sample(SETS[row_set], rows)], row_set


def _values(source: random.Random, measure: Measure, count: int, in_time: bool) -> tuple[float, ...]:
    low, high = sorted((source.uniform(measure.low, measure.high), source.uniform(measure.low, measure.high)))
    if high - low < 0.25 * (measure.high - measure.low):
        low, high = measure.low, measure.high
    if not in_time or source.random() < 0.35:
        values = [source.uniform(low, high) for _ in range(count)]
    else:
        values = _walk(source, low, high, count)
    step = source.choice((1, 1, 5, 10)) if measure.decimals == 0 and high - low > 60 else 10.0**-measure.decimals
    return tuple(
        round(max(step, round(value / step) * step) if measure.low > 0 else round(value, measure.decimals), measure.decimals)
        for value in values
    )


def _walk(source: random.Random, low: float, high: float, count: int) -> list[float]:
    start, end = (low, high) if source.random() < 0.6 else (high, low)
    noise = source.choice((0.0, 0.05, 0.15)) * (high - low)
    line = [start + (end - start) * i / max(1, count - 1) for i in range(count)]
    return [min(high, max(low, value + source.uniform(-noise, noise))) for value in line]


def _title(source: random.Random, measure: Measure, set_name: str, row_set: str, language: Language) -> str:
    year = source.randint(1998, 2025)
    if language == "zh":
        first = measure.chinese.split("（")[0]
        by = say(set_name, "zh") + (f"和{say(row_set, 'zh')}" if row_set else "")
        when = "" if "Year" in (set_name, row_set) else f"{year}年"
        return source.choice((f"{when}各{by}{first}", f"{when}{first}统计", f"{first}对比（按{by}）", f"{when}按{by}划分的{first}"))
    first = measure.english.split(" (")[0]
    by = set_name.lower() + (f" and {row_set.lower()}" if row_set else "")
    when = "" if "Year" in (set_name, row_set) else f" {year}"
    plain = (
        f"{first} by {by}{when and ',' + when}",
        f"{first}{when}",
        f"{first}: comparison by {by}",
        f"Annual report{when}: {first.lower()}",
    )
    chosen = source.choice(plain)
    return chosen.title() if source.random() < 0.15 else chosen.upper() if source.random() < 0.06 else chosen


def _made_scatter(source: random.Random, language: Language) -> Figures:
    pairs = (
        ("Advertising cost", "广告费用", 2, 60, "Sales", "销售额", 10, 400),
        ("Hours of study", "学习时间", 1, 12, "Test score", "考试成绩", 40, 100),
        ("Height (cm)", "身高（厘米）", 145, 195, "Weight (kg)", "体重（公斤）", 42, 100),
        ("Age of car", "车龄", 1, 15, "Price", "价格", 3, 60),
        ("Distance (km)", "距离（公里）", 1, 30, "Rent", "租金", 300, 2500),
        ("Temperature", "气温", 8, 36, "Ice creams sold", "冰淇淋销量", 20, 500),
    )
    x_en, x_zh, x_low, x_high, y_en, y_zh, y_low, y_high = source.choice(pairs)
    rows = source.choice((1, 1, 2, 3))
    direction = source.choice((1, -1, 0))
    names = source.sample(SETS[source.choice(("City", "Team", "Region"))], rows)
    count = source.randint(8, 36) // rows
    series = []
    for name in names:
        points = []
        for _ in range(max(4, count)):
            place = source.random()
            middle = 0.5 if direction == 0 else place if direction > 0 else 1 - place
            spread = 0.5 if direction == 0 else 0.14
            height = min(1.0, max(0.0, middle + source.uniform(-spread, spread)))
            points.append((round(x_low + place * (x_high - x_low), 1), round(y_low + height * (y_high - y_low), 1)))
        series.append(Series(say(name, language), (), tuple(points)))
    x_label, y_label = (x_zh, y_zh) if language == "zh" else (x_en, y_en)
    title = (
        f"{y_label}与{x_label}的关系"
        if language == "zh"
        else source.choice((f"{y_label} against {x_label.lower()}", f"{y_label} vs {x_label}"))
    )
    return Figures(
        language=language,
        title=title,
        category_label=x_label,
        value_label=y_label,
        categories=(),
        series=tuple(series),
        decimals=1,
        kinds=("scatter",),
    )


def _made_histogram(source: random.Random, language: Language) -> Figures:
    topics = (
        ("Exam scores", "考试成绩", "Score", "分数", 30, 100, 10),
        ("Waiting times", "等待时间", "Minutes", "分钟", 0, 60, 5),
        ("Ages of visitors", "访客年龄", "Age", "年龄", 0, 80, 10),
        ("Parcel weights", "包裹重量", "Weight (kg)", "重量（公斤）", 0, 20, 2),
        ("Response times", "响应时间", "Milliseconds", "毫秒", 0, 500, 50),
        ("Room temperatures", "室温", "°C", "°C", 14, 30, 2),
    )
    title_en, title_zh, x_en, x_zh, low, high, step = source.choice(topics)
    edges = tuple(float(edge) for edge in range(low, high + 1, step))
    middle, width = source.uniform(low, high), source.uniform(0.12, 0.35) * (high - low)
    size = source.choice((12, 25, 40, 120))
    shape = [size * 2.718 ** (-(((a + step / 2 - middle) / width) ** 2)) for a in edges[:-1]]
    counts = tuple(float(max(0, round(value * source.uniform(0.7, 1.2)) + source.choice((0, 1, 2)))) for value in shape)
    return Figures(
        language=language,
        title=f"{title_zh}分布"
        if language == "zh"
        else source.choice((f"Distribution of {title_en.lower()}", f"{title_en} (histogram)")),
        category_label=x_zh if language == "zh" else x_en,
        value_label="频数" if language == "zh" else source.choice(("Frequency", "Count")),
        categories=tuple(f"{a:g}-{b:g}" for a, b in pairwise(edges)),
        series=(Series("count", counts),),
        bin_edges=edges,
        whole=True,
        kinds=("histogram",),
    )
