"""The report as one HTML file that needs nothing else and runs no script: tables, charts, samples, and a section for each data set.

Statistics, Surveyed -> sections -> page.html; light and dark follow the reader, and it prints
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from internvl.eval.report_html import POLICY
from internvl.eval.report_markup import Content, Markup, element, join
from internvl.eval.report_pictures import PictureStore
from internvl.pipelines.report.charts import bars, columns, pairs, percent
from internvl.pipelines.report.duplicates import Copies
from internvl.pipelines.report.samples import sample_cards
from internvl.pipelines.report.statistics import FLAGS, PERCENTILES, DatasetNumbers, Quality, Statistics
from internvl.pipelines.report.survey import Surveyed
from internvl.pipelines.whole_file import whole_file

MOST_LANGUAGES = 12
MOST_BYTES_OF_PICTURES = 12_000_000
LINKS = (("tasks", "Tasks"), ("datasets", "Data sets"), ("languages", "Languages"), ("lengths", "Lengths"), ("tiles", "Tiles"),
         ("duplicates", "Duplicates"), ("quality", "Quality"))  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """What the page shows. title: its name. shown: samples of each data set. side: of their pictures, in pixels. note: a sentence."""

    title: str
    shown: int = 6
    side: int = 224
    note: str = ""


def write_page(path: Path, statistics: Statistics, surveyed: Sequence[Surveyed], options: PageOptions) -> int:
    """Write the page -> its size in bytes."""
    pictures = PictureStore(options.side, MOST_BYTES_OF_PICTURES)
    sections = [
        _tasks(statistics),
        _datasets(statistics),
        _languages(statistics),
        _lengths(statistics),
        _section("tiles", columns("Tiles of a record", statistics.tiles, unit="tiles"), _kinds(statistics)),
        _duplicates(statistics),
        _quality(statistics),
        *(
            _dataset(place, each, dataset, pictures, options.shown)
            for place, (each, dataset) in enumerate(zip(statistics.datasets, surveyed, strict=True))
        ),
    ]
    page = _document(options.title, [_header(statistics, options), *sections, _footer(pictures)])
    content = page.encode("utf-8", errors="replace")
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write(content)
    return len(content)


def _document(title: str, body: Sequence[Markup]) -> str:
    # The colours and tables of the evaluation's report, and what is this page's own.
    style = Markup(
        "".join(files(package).joinpath("report.css").read_text("utf-8") for package in ("internvl.eval", "internvl.pipelines.report"))
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )
    return "<!doctype html>\n" + element("html", head, element("body", element("main", *body)), lang="en") + "\n"


def _header(statistics: Statistics, options: PageOptions) -> Markup:
    rows = sum(each.rows for each in statistics.datasets)
    looked = sum(each.looked for each in statistics.datasets)
    bad = sum(each.bad for each in statistics.datasets)
    tokens = sum(each.share * (each.text_tokens + each.visual_tokens) for each in statistics.datasets)
    visual = sum(each.share * each.visual_tokens for each in statistics.datasets)
    facts = (
        ("data sets", f"{len(statistics.datasets):,}"),
        ("records", f"{sum(each.records for each in statistics.datasets):,}"),
        ("rows of an epoch", f"{rows:,}"),
        ("looked at", f"{looked:,}"),
        ("unusable of these", f"{bad:,}"),
        ("tokens of a record", f"{tokens:,.0f}"),
        ("of these visual", percent(visual / tokens if tokens else 0.0)),
        ("languages", f"{len(statistics.languages):,}"),
    )
    tiles = [element("div", element("b", value), element("span", name), class_="fact") for name, value in facts]
    links = [element("a", name, href=f"#{place}") for place, name in LINKS]
    note = element("p", options.note, class_="dim") if options.note else None
    return element("header", element("h1", options.title), note, element("div", *tiles, class_="facts"), element("nav", *links))


def _tasks(statistics: Statistics) -> Markup:
    names = list(dict.fromkeys([*statistics.asked, *statistics.tasks]))
    chart = pairs(
        "Share of the run by task",
        [(name, statistics.asked.get(name) if statistics.asked else None, statistics.tasks.get(name, 0.0)) for name in names],
        names=("asked for", "there"),
    )
    rows = [_task_row(statistics, name) for name in names]
    head = ("task", "data sets", "rows", "asked for", "there", "difference")
    return _section("tasks", chart, _table(head, rows))


def _task_row(statistics: Statistics, name: str) -> tuple[Content, ...]:
    own = [each for each in statistics.datasets if each.task == name]
    asked, there = statistics.asked.get(name), statistics.tasks.get(name, 0.0)
    difference = "" if asked is None else f"{100 * (there - asked):+.1f}"
    return (
        name,
        f"{len(own):,}",
        f"{sum(each.rows for each in own):,}",
        "" if asked is None else percent(asked),
        percent(there),
        difference,
    )


def _datasets(statistics: Statistics) -> Markup:
    head = (
        "data set", "task", "records", "rows", "used", "share", "of tokens", "text tokens", "visual tokens", "tiles",
        "longest", "unusable",
    )  # fmt: skip
    rows = [_dataset_row(place, each) for place, each in enumerate(statistics.datasets)]
    chart = bars("Share of the run by data set", [(each.name, each.share) for each in statistics.datasets])
    note = element("p", "Tokens and tiles are means of a record; tiles are counted with thumbnails.", class_="dim")
    return _section("datasets", _table(head, rows), note, chart)


def _dataset_row(place: int, each: DatasetNumbers) -> tuple[Content, ...]:
    name = element("a", each.name, href=f"#d{place}")
    used = f"{each.repeat_time:g} ×" if each.weight is None else f"{each.repeat_time:g} ×, weight {each.weight:g}"
    counts = f"{each.records:,}", f"{each.rows:,}", used
    lengths = f"{each.text_tokens:,.0f}", f"{each.visual_tokens:,.0f}", f"{each.tiles:.1f}", f"{each.longest:,}"
    unusable = percent(each.bad / each.looked if each.looked else 0.0)
    return name, each.task, *counts, percent(each.share), percent(each.token_share), *lengths, unusable


def _languages(statistics: Statistics) -> Markup:
    most = list(statistics.languages.items())[:MOST_LANGUAGES]
    rest = sum(list(statistics.languages.values())[MOST_LANGUAGES:])
    chart = bars("Languages of the answers", [*most, *([("others", rest)] if rest else [])])
    codes = [code for code, _ in most[:8]]
    rows = [
        (each.name, *(percent(each.languages[code]) if code in each.languages else "" for code in codes))
        for each in statistics.datasets
    ]
    note = element("p", "und: too few letters to tell a language by, such as a number, a choice or yes and no.", class_="dim")
    return _section("languages", chart, _table(("data set", *codes), rows), note)


def _lengths(statistics: Statistics) -> Markup:
    chart = columns("Tokens of a record, visual ones included", statistics.tokens, unit="tokens")
    table = _percentiles("tokens", statistics.lengths, statistics)
    return _section("lengths", element("div", chart, table, class_="beside"))


def _kinds(statistics: Statistics) -> Markup:
    return bars("Kinds of records", list(statistics.kinds.items()))


def _duplicates(statistics: Statistics) -> Markup:
    names = [each.name for each in statistics.datasets]
    head = ("the same is", "rows compared", "copies", "of the rows", "of another data set's", *names)
    rows = [
        (
            each.kind, f"{each.of:,}", f"{each.copies:,}", percent(each.copies / each.of if each.of else 0.0), f"{each.across:,}",
            *(f"{count:,}" if count else "" for count in each.by_dataset),
        )
        for each in statistics.copies
    ]  # fmt: skip
    note = (
        "Counted among the rows that were looked at: in a sample of a large data set fewer copies meet than there are. A copy is a row "
        "that is like an earlier one; several questions about one picture are common and no fault. Answers of fewer than 6 words are "
        "not compared."
    )
    return _section("duplicates", _table(head, rows), element("p", note, class_="dim"), _shared(statistics.copies, names))


def _shared(copies: Sequence[Copies], names: Sequence[str]) -> Markup | None:
    rows = [(each.kind, names[one], names[other], f"{count:,}") for each in copies for one, other, count in each.pairs]
    if not rows:
        return None
    table = _table(("the same is", "in", "and in", "groups"), rows)
    return element("details", element("summary", f"{len(rows)} pairs of data sets that share something"), table)


def _quality(statistics: Statistics) -> Markup:
    charts = [columns(each.meaning[:1].upper() + each.meaning[1:], each.classes, unit=_unit(each)) for each in statistics.qualities]
    names = [each.name for each in statistics.datasets]
    tables = [_percentiles(each.column, each.percentiles, statistics) for each in statistics.qualities]
    flags = [
        (name, *(percent(share) if share else "" for share in statistics.flags[name])) for name in FLAGS if any(statistics.flags[name])
    ]
    marked = (
        _table(("answers that look like", *names), flags) if flags else element("p", "No answer is boilerplate, code or unreadable.")
    )
    both = [element("div", chart, table, class_="beside") for chart, table in zip(charts, tables, strict=True)]
    return _section("quality", *both, marked)


def _unit(quality: Quality) -> str:
    return {"words": "words", "short_side": "pixels"}.get(quality.column, "")


def _percentiles(name: str, values: Mapping[int, tuple[float, ...]], statistics: Statistics) -> Markup:
    """What part of the rows of a data set lies below."""
    rows = [(statistics.datasets[place].name, *(f"{each:,.4g}" for each in some)) for place, some in values.items()]
    return _table((name.replace("_", " "), *(f"{percentile} %" for percentile in PERCENTILES)), rows)


def _dataset(place: int, each: DatasetNumbers, dataset: Surveyed, pictures: PictureStore, shown: int) -> Markup:
    cards = list(sample_cards(dataset, shown, pictures))
    facts = (
        f"{each.task}; {each.records:,} records, {each.rows:,} rows of an epoch, {percent(each.share)} of the run; "
        f"{each.looked:,} looked at, {each.bad:,} unusable; {each.turns:.1f} answers a record; {_listed(each.kinds)}"
    )
    return element(
        "section",
        element("h2", each.name),
        element("p", facts),
        bars(f"Languages of {each.name}", list(each.languages.items())[:MOST_LANGUAGES]) if len(each.languages) > 1 else None,
        _reasons(each),
        element("h3", "samples"),
        element("div", *cards, class_="cards") if cards else element("p", "There is none that training would read.", class_="dim"),
        id=f"d{place}",
    )


def _reasons(each: DatasetNumbers) -> Markup | None:
    if not each.reasons:
        return None
    items = [element("li", f"{count:,} × ", element("bdi", reason)) for reason, count in each.reasons.items()]
    return element(
        "details", element("summary", f"why {each.bad:,} of {each.looked:,} can't be used"), element("ul", *items), open=True
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _section(place: str, *content: Content) -> Markup:
    return element("section", element("h2", dict(LINKS)[place]), *content, id=place)


def _table(head: Sequence[str], rows: Sequence[Sequence[Content]]) -> Markup:
    top = element("tr", *(element("th", name, scope="col") for name in head))
    body = [element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])) for row in rows]
    return element("div", element("table", element("thead", top), element("tbody", *body)), class_="wide", tabindex="0")


def _footer(pictures: PictureStore) -> Markup:
    left = f"; {pictures.left_out:,} are left out to keep it so" if pictures.left_out else ""
    text = f"{len(pictures.urls):,} pictures in {pictures.bytes_used / 1e6:.1f} MB, scaled to {pictures.side} pixels{left}."
    return element("footer", join((text,)), class_="dim")
