"""Views of published tables as charts: countries, weather, work, energy, films, cars, birds, prices.

vega-datasets (JSON, CSV; read as data only) -> table(name) -> a view -> Figures
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from statistics import mean
from typing import Any

from recipes.nano.data import materials
from recipes.nano.data.chart_spec import Figures, Kind, Series
from recipes.nano.data.chart_words import COUNTRIES, say
from recipes.nano.data.sample import Language

Row = dict[str, Any]
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BARS: tuple[Kind, ...] = ("bar", "bar", "barh")
LINES: tuple[Kind, ...] = ("line", "line", "bar")


def figures(source: random.Random, language: Language) -> Figures:
    """One view of one table. Raises MissingMaterial."""
    return source.choice(VIEWS)(source, language)


@lru_cache(maxsize=40)
def table(name: str) -> tuple[Row, ...]:
    """The rows of a file of the package; numbers of CSV files are still text. Raises MissingMaterial."""
    path = _folder() / name
    if path.suffix == ".json":
        return tuple(json.loads(path.read_text(encoding="utf-8")))
    with path.open(encoding="utf-8-sig", newline="") as file:
        return tuple(csv.DictReader(file))


@lru_cache(maxsize=1)
def _folder() -> Path:
    root = materials.require("vega-datasets")
    found = sorted(root.rglob("gapminder.json"))
    if not found:
        raise materials.MissingMaterial(f"no gapminder.json below {root}: run python -m recipes.nano.data.materials vega-datasets")
    return found[0].parent


def _countries_in_a_year(source: random.Random, language: Language) -> Figures:
    column, en, zh, scale, decimals, whole = source.choice(COUNTRY_COLUMNS)
    year = source.choice(sorted({row["year"] for row in table("gapminder.json")}))
    rows = {
        row["country"]: row[column] / scale for row in table("gapminder.json") if row["year"] == year and row["country"] in COUNTRIES
    }
    chosen = source.sample(sorted(rows), source.randint(3, 9))
    if whole:  # countries of like size, or bars vanish
        centre = source.choice(sorted(rows.values()))
        near = [name for name in sorted(rows) if 0.2 * centre < rows[name] < 4 * centre]
        chosen = source.sample(near, min(len(near), len(chosen)))
    if len(chosen) < 3:
        return _countries_over_time(source, language)
    chosen = sorted(chosen, key=lambda name: rows[name], reverse=source.random() < 0.5) if source.random() < 0.5 else chosen
    kinds = (*BARS, "pie", "donut") if whole and len(chosen) <= 6 else BARS
    label = zh if language == "zh" else en
    title = f"{year}年各国{zh}" if language == "zh" else source.choice((f"{en} by country, {year}", f"{en} in {year}"))
    others = [name for name in sorted(rows) if name not in chosen]
    values = tuple(round(rows[name], decimals) for name in chosen)
    return _one_row(language, title, say("Country", language), label, chosen, values, decimals, kinds, others, whole=whole)


def _countries_over_time(source: random.Random, language: Language) -> Figures:
    column, en, zh, scale, decimals, _ = source.choice(COUNTRY_COLUMNS)
    years = sorted({row["year"] for row in table("gapminder.json")})
    count = source.randint(4, len(years))
    start = source.randint(0, len(years) - count)
    years = years[start : start + count]
    names = source.sample(sorted(COUNTRIES), source.choice((1, 1, 2, 3, 4)))
    series = []
    for name in names:
        by_year = {row["year"]: row[column] / scale for row in table("gapminder.json") if row["country"] == name}
        if any(year not in by_year for year in years):
            return _countries_in_a_year(source, language)
        series.append(Series(say(name, language), tuple(round(by_year[year], decimals) for year in years)))
    who = say(names[0], language) if len(names) == 1 else ""
    title = (
        f"{who}{zh}变化（{years[0]}-{years[-1]}）" if language == "zh" else f"{en}{' of ' + who if who else ''}, {years[0]}-{years[-1]}"
    )
    kinds: tuple[Kind, ...] = ("line", "line", "grouped") if len(names) > 1 else (*LINES, "area")
    return Figures(
        language=language,
        title=title,
        category_label=say("Year", language),
        value_label=zh if language == "zh" else en,
        categories=tuple(str(year) for year in years),
        series=tuple(series),
        decimals=decimals,
        in_time=True,
        kinds=kinds,
        others=(str(years[-1] + 10), str(years[0] - 10)),
    )


COUNTRY_COLUMNS = (
    ("life_expect", "Life expectancy (years)", "预期寿命（岁）", 1, 1, False),
    ("fertility", "Children per woman", "每名妇女生育数", 1, 2, False),
    ("pop", "Population (millions)", "人口（百万）", 1e6, 1, True),
)


def _weather(source: random.Random, language: Language) -> Figures:
    column, en, zh, unit, gather = source.choice(
        (
            ("temp_max", "Mean daily high", "平均最高气温", "°C", mean),
            ("temp_min", "Mean daily low", "平均最低气温", "°C", mean),
            ("precipitation", "Precipitation (mm)", "降水量（毫米）", "", sum),
            ("wind", "Mean wind speed (m/s)", "平均风速（米/秒）", "", mean),
        )
    )
    year = source.choice(("2012", "2013", "2014", "2015"))
    cities = source.choice((("Seattle",), ("New York",), ("Seattle", "New York")))
    start = source.randint(0, 8)
    span = range(start, source.randint(start + 4, 12))
    series = []
    for city in cities:
        rows = [row for row in table("weather.csv") if row["location"] == city and row["date"].startswith(year)]
        months = [[float(row[column]) for row in rows if int(row["date"][5:7]) == month + 1] for month in span]
        series.append(Series(say(city, language), tuple(round(float(gather(values)), 1) for values in months)))
    place = say(cities[0], language) if len(cities) == 1 else ("两城市" if language == "zh" else "two cities")
    first = zh.split("（")[0] if language == "zh" else en.split(" (")[0]
    title = f"{year}年{place}{first}" if language == "zh" else f"{first} in {place}, {year}"
    return Figures(
        language=language,
        title=title,
        category_label=say("Month", language),
        value_label=zh if language == "zh" else en,
        categories=tuple(say(MONTHS[month], language) for month in span),
        series=tuple(series),
        decimals=1,
        unit=unit,
        in_time=True,
        kinds=("line", "grouped") if len(series) > 1 else (*LINES, "area") if column == "precipitation" else LINES,
        others=tuple(say(month, language) for i, month in enumerate(MONTHS) if i not in span),
    )


def _industries(source: random.Random, language: Language) -> Figures:
    rows = table("unemployment-across-industries.json")
    year, month = source.randint(2000, 2009), source.randint(1, 12)
    rates = {row["series"]: float(row["rate"]) for row in rows if row["year"] == year and row["month"] == month}
    rates = rates or {row["series"]: float(row["rate"]) for row in rows if row["year"] == 2005 and row["month"] == month}
    chosen = source.sample(sorted(rates), source.randint(3, 7))
    year = year if any(row["year"] == year and row["month"] == month for row in rows) else 2005
    title = f"{year}年{month}月各行业失业率" if language == "zh" else f"Unemployment by industry, {MONTHS[month - 1]} {year}"
    values = tuple(rates[name] for name in chosen)
    label = "失业率" if language == "zh" else "Unemployment rate"
    others = [name for name in sorted(rates) if name not in chosen]
    return _one_row(
        language, title, "行业" if language == "zh" else "Industry", label, chosen, values, 1, ("barh", "barh", "bar"), others, unit="%"
    )


def _electricity(source: random.Random, language: Language) -> Figures:
    names = ("Fossil Fuels", "Nuclear Energy", "Renewables")
    first = source.randint(2001, 2011)
    years = [str(year) for year in range(first, source.randint(first + 3, min(first + 8, 2017)) + 1)]
    rows = {(row["source"], row["year"][:4]): float(row["net_generation"]) / 1000 for row in table("iowa-electricity.csv")}
    series = tuple(Series(say(name, language), tuple(round(rows[name, year], 1) for year in years)) for name in names)
    return Figures(
        language=language,
        title="艾奥瓦州各能源发电量" if language == "zh" else source.choice(("Electricity in Iowa by source", "Net generation, Iowa")),
        category_label=say("Year", language),
        value_label="发电量（太瓦时）" if language == "zh" else "Net generation (TWh)",
        categories=tuple(years),
        series=series,
        decimals=1,
        in_time=True,
        whole=True,
        kinds=("stacked", "area", "line", "grouped"),
        others=(str(first - 3), "2023"),
    )


def _wheat(source: random.Random, language: Language) -> Figures:
    rows = [row for row in table("wheat.json") if row.get("wages") is not None]
    count = source.randint(5, 12)
    start = source.randint(0, len(rows) - count)
    rows = rows[start : start + count]
    column, en, zh = source.choice(
        (("wheat", "Price of wheat (shillings)", "小麦价格（先令）"), ("wages", "Weekly wage (shillings)", "周薪（先令）"))
    )
    years, values = [str(row["year"]) for row in rows], tuple(round(float(row[column]), 1) for row in rows)
    label = zh if language == "zh" else en
    title = f"{label.split('（')[0].split(' (')[0]} {years[0]}-{years[-1]}"
    return _one_row(language, title, say("Year", language), label, years, values, 1, (*LINES, "area"), ["1499", "1900"], in_time=True)


def _stocks(source: random.Random, language: Language) -> Figures:
    names = source.sample(("MSFT", "AMZN", "IBM", "AAPL"), source.randint(1, 3))
    year = source.randint(2000, 2009)
    start = source.randint(0, 7)
    months = MONTHS[start : source.randint(start + 4, 12)]
    prices = {(row["symbol"], row["date"]): float(row["price"]) for row in table("stocks.csv")}
    series = tuple(Series(name, tuple(round(prices[name, f"{month} 1 {year}"], 1) for month in months)) for name in names)
    who = names[0] if len(names) == 1 else ""
    title = f"{year}年{who}股价" if language == "zh" else f"{who + ' share' if who else 'Share'} prices, {year}"
    return Figures(
        language=language,
        title=title,
        category_label=say("Month", language),
        value_label="股价" if language == "zh" else "Price",
        categories=tuple(say(month, language) for month in months),
        series=series,
        decimals=1,
        unit="$",
        in_time=True,
        kinds=("line",) if len(names) > 1 else LINES,
        others=tuple(say(month, language) for month in MONTHS if month not in months),
    )


def _films(source: random.Random, language: Language) -> Figures:
    column, en, zh, scale, decimals, unit = source.choice(
        (
            ("IMDB Rating", "IMDB rating", "IMDB评分", 1, 1, ""),
            ("Running Time min", "Running time (min)", "片长（分钟）", 1, 0, ""),
            ("Production Budget", "Budget (million $)", "制作成本（百万美元）", 1e6, 1, ""),
        )
    )
    rows = [row for row in table("movies.json") if row[column] and isinstance(row["Title"], str) and 3 < len(row["Title"]) < 22]
    rows = [row for row in rows if row["Title"].isascii() and row[column] / scale >= 1]
    chosen = source.sample(rows, source.randint(3, 7))
    names = [str(row["Title"]) for row in chosen]
    if len(set(names)) < len(names):
        return _films(source, language)
    values = tuple(round(row[column] / scale, decimals) for row in chosen)
    title = f"部分影片的{zh.split('（')[0]}" if language == "zh" else f"{en.split(' (')[0]} of selected films"
    others = [str(row["Title"]) for row in source.sample(rows, 4) if row["Title"] not in names]
    film, label = ("影片", zh) if language == "zh" else ("Film", en)
    return _one_row(language, title, film, label, names, values, decimals, ("barh", "barh", "bar"), others, unit=unit)


def _birds(source: random.Random, language: Language) -> Figures:
    column, en, zh = source.choice(
        (
            ("Phase of flight", "phase of flight", "飞行阶段"),
            ("Time of day", "time of day", "时段"),
            ("Wildlife Size", "size of bird", "鸟类体型"),
        )
    )
    year = str(source.randint(1990, 2002))
    counts: dict[str, int] = {}
    for row in table("birdstrikes.csv"):
        if row["Flight Date"].startswith(year) and row[column] and say(row[column], "zh") != row[column]:
            counts[row[column]] = counts.get(row[column], 0) + 1
    names = source.sample(sorted(counts), min(len(counts), source.randint(3, 6)))
    values = tuple(float(counts[name]) for name in names)
    title = f"{year}年各{zh}鸟击次数" if language == "zh" else f"Bird strikes by {en}, {year}"
    label = "次数" if language == "zh" else "Strikes"
    heading = zh if language == "zh" else en.capitalize()
    others = [name for name in sorted(counts) if name not in names]
    return _one_row(language, title, heading, label, names, values, 0, ("bar", "barh", "pie", "donut"), others, whole=True)


def _penguins(source: random.Random, language: Language) -> Figures:
    x, y = source.sample(PENGUIN_COLUMNS, 2)
    names = source.sample(("Adelie", "Gentoo", "Chinstrap"), source.choice((1, 2, 3)))
    good = [row for row in table("penguins.json") if row[x[0]] is not None and row[y[0]] is not None]
    series = []
    for name in names:
        rows = source.sample([row for row in good if row["Species"] == name], source.randint(8, 40))
        series.append(Series(say(name, language), (), tuple((float(row[x[0]]), float(row[y[0]])) for row in rows)))
    x_label, y_label = (x[2], y[2]) if language == "zh" else (x[1], y[1])
    title = "企鹅体型" if language == "zh" else source.choice(("Penguins of Palmer Station", f"{y_label.split(' (')[0]} of penguins"))
    return _points(language, title, x_label, y_label, series)


PENGUIN_COLUMNS = (
    ("Flipper Length (mm)", "Flipper length (mm)", "鳍长（毫米）"),
    ("Body Mass (g)", "Body mass (g)", "体重（克）"),
    ("Beak Length (mm)", "Beak length (mm)", "喙长（毫米）"),
    ("Beak Depth (mm)", "Beak depth (mm)", "喙深（毫米）"),
)


def _cars(source: random.Random, language: Language) -> Figures:
    columns = (
        ("Horsepower", "Horsepower", "马力"),
        ("Miles_per_Gallon", "Miles per gallon", "每加仑英里数"),
        ("Weight_in_lbs", "Weight (lb)", "车重（磅）"),
        ("Acceleration", "Seconds to 60 mph", "加速时间（秒）"),
    )
    x, y = source.sample(columns, 2)
    names = source.sample(("USA", "Europe", "Japan"), source.choice((1, 2, 3)))
    good = [row for row in table("cars.json") if row[x[0]] is not None and row[y[0]] is not None]
    series = []
    for name in names:
        rows = source.sample([row for row in good if row["Origin"] == name], source.randint(8, 40))
        series.append(Series(say(name, language), (), tuple((float(row[x[0]]), float(row[y[0]])) for row in rows)))
    x_label, y_label = (x[2], y[2]) if language == "zh" else (x[1], y[1])
    title = f"汽车{y_label.split('（')[0]}与{x_label.split('（')[0]}" if language == "zh" else f"Cars: {y_label} vs {x_label}"
    return _points(language, title, x_label, y_label, series)


def _barley(source: random.Random, language: Language) -> Figures:
    rows = table("barley.json")
    site = source.choice(sorted({row["site"] for row in rows}))
    names = source.sample(sorted({row["variety"] for row in rows}), source.randint(3, 6))
    years = source.choice(((1931,), (1932,), (1931, 1932)))
    value = {(row["variety"], row["year"]): row["yield"] for row in rows if row["site"] == site}
    series = tuple(Series(str(year), tuple(round(value[name, year], 1) for name in names)) for year in years)
    when = str(years[0]) if len(years) == 1 else "1931-1932"
    return Figures(
        language=language,
        title=f"{site} 大麦产量（{when}）" if language == "zh" else f"Barley yield at {site}, {when}",
        category_label="品种" if language == "zh" else "Variety",
        value_label="亩产" if language == "zh" else "Yield (bushels/acre)",
        categories=tuple(names),
        series=series,
        decimals=1,
        kinds=("grouped",) if len(years) > 1 else BARS,
        others=tuple(sorted({row["variety"] for row in rows} - set(names))),
    )


def _one_row(
    language: Language, title: str, heading: str, label: str, names: Iterable[str], values: tuple[float, ...], decimals: int,
    kinds: tuple[Kind, ...], others: Iterable[str], *, unit: str = "", whole: bool = False, in_time: bool = False,
) -> Figures:  # fmt: skip
    shown = tuple(say(name, language) for name in names)
    return Figures(
        language=language, title=title, category_label=heading, value_label=label, categories=shown, series=(Series(label, values),),
        decimals=decimals, unit=unit, in_time=in_time, whole=whole, kinds=kinds, others=tuple(say(name, language) for name in others),
    )  # fmt: skip


def _points(language: Language, title: str, x_label: str, y_label: str, series: list[Series]) -> Figures:
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


VIEWS: tuple[Callable[[random.Random, Language], Figures], ...] = (
    *(_countries_in_a_year, _countries_in_a_year, _countries_over_time, _countries_over_time, _weather, _weather, _industries),
    *(_electricity, _wheat, _stocks, _films, _films, _birds, _penguins, _cars, _barley),
)
