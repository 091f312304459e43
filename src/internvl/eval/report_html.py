"""A comparison as one HTML file that needs nothing else: recipes, scores, groups, and the pictures of wrong answers.

    Comparison, data root -> tables -> cards with pictures (PictureStore) -> page.html

The page asks no server for anything, and says so: its Content-Security-Policy allows its own script by hash, inline pictures, and
nothing more. So even an answer that slipped through escaping could not run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from internvl.eval.compare import Cell, Comparison, Line
from internvl.eval.errors import EvalError
from internvl.eval.report_cards import Wrong, card, questions, wrong_samples
from internvl.eval.report_markup import Content, Markup, element, join, text_of
from internvl.eval.report_pictures import PictureStore
from internvl.eval.results import write_atomically
from internvl.eval.sample import Sample
from internvl.eval.score_table import columns, published_text, rows

STYLE, SCRIPT = "report.css", "report.js"
MOST_GROUPS = 300
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, kw_only=True)
class ReportLimits:
    """What keeps a report openable. cards: wrong samples a benchmark. side: of a picture, in pixels. picture_bytes: in the page."""

    cards: int = 100
    side: int = 640
    picture_bytes: int = 20_000_000


def write_report(comparison: Comparison, path: Path, *, root: Path | None = None, limits: ReportLimits | None = None) -> int:
    """Write the page -> its size in bytes. root: the benchmarks' data, for questions and pictures; without it answers stand alone.

    Raises EvalError for damaged results. Where a benchmark's files are damaged or absent, its section says so.
    """
    bounds = limits or ReportLimits()
    pictures = PictureStore(bounds.side, bounds.picture_bytes)
    sections = [_section(line, pictures, root, bounds) for line in comparison.lines]
    title = "InternVL evaluation: " + ", ".join(run.name for run in comparison.runs)
    header = element("header", element("h1", title), _summary(comparison), *_notes(comparison))
    page = _page(title, [header, _controls(), *sections, _footer(pictures, bounds)], pictures)
    content = page.encode("utf-8", errors="replace")
    write_atomically(path, [content])
    return len(content)


def _page(title: str, body: Sequence[Markup], pictures: PictureStore) -> str:
    style, script = (Markup((files("internvl.eval") / name).read_text("utf-8")) for name in (STYLE, SCRIPT))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    policy = f"{POLICY}; script-src 'sha256-{digest}'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )
    # Base64 and JSON's own marks: nothing in it can close the element.
    urls = element("script", Markup(json.dumps(pictures.urls)), type="application/json", id="pictures")
    skip = element("a", "skip to the wrong answers", href="#answers", class_="skip")
    content = element("body", skip, *body, element("dialog", id="large"), urls, element("script", script))
    return "<!doctype html>\n" + element("html", head, content, lang="en") + "\n"


def _summary(comparison: Comparison) -> Markup:
    names = [name for name, _ in columns(comparison)]
    quoted = len(names) - len(comparison.models)
    head = [element("th", name, scope="col", class_="published" if place >= quoted else None) for place, name in enumerate(names)]
    body = [
        element("tr", *(_cell(text, place, published=place >= quoted) for place, text in enumerate(row))) for row in rows(comparison)
    ]
    return _table(element("tr", *head), body)


def _cell(text: str, place: int, *, published: bool) -> Markup:
    if place == 0:
        return element("th", text, scope="row")
    return element("td", text, class_="published" if published else None)


def _table(head: Markup, body: Sequence[Markup]) -> Markup:
    return element("div", element("table", element("thead", head), element("tbody", *body)), class_="wide", tabindex="0")


def _notes(comparison: Comparison) -> Iterator[Markup]:
    settings = comparison.statistics
    grouped = f", samples drawn in groups of {settings.group_by}" if settings.group_by else ""
    yield element(
        "p",
        f"Intervals: {100 * settings.confidence:g} %, bootstrap over samples{grouped}, {settings.resamples:,} resamples, "
        f"seed {settings.seed}; differences are paired over the samples both runs have.",
        class_="dim",
    )
    if comparison.models:
        yield element(
            "p", "Published columns are quoted from model cards, papers and blog pages; they were not measured here.", class_="dim"
        )
    flags = [element("li", element("b", f"{line.name} "), flag) for line in comparison.lines for flag in line.flags]
    if flags:
        yield element(
            "details", element("summary", f"{len(flags)} notes on what is and isn't comparable"), element("ul", *flags), open=True
        )


def _controls() -> Markup:
    choices = (("all", "all shown"), ("differ", "runs differ"), ("wrong", "wrong in all runs"))
    options = [element("option", text, value=value) for value, text in choices]
    return element(
        "nav",
        element("label", "show ", element("select", *options, id="which")),
        element("label", "containing ", element("input", type="search", id="words", autocomplete="off")),
        element("span", "", id="count", role="status"),
        element("span", "j next, k previous, / search", class_="dim"),
        id="answers", aria_label="which wrong answers",
    )  # fmt: skip


def _section(line: Line, pictures: PictureStore, root: Path | None, limits: ReportLimits) -> Markup:
    wrong = wrong_samples(line)
    shown = wrong[: limits.cards]
    samples, reason = _questions(line, shown, root)
    cards = [card(line, each, samples.get(each.id), pictures) for each in shown]
    more = f"The {len(shown):,} of {len(wrong):,} that differ most or score lowest are shown. " if len(wrong) > len(shown) else ""
    hint = f"Questions and pictures are not shown: {reason}. " if reason and shown else ""
    cells = [cell for cell in line.cells if cell]
    answers = element("p", f"{len(wrong):,} samples are not fully right. {more}{hint}", class_="dim")
    return element(
        "section",
        element("h2", line.name),
        *(element("p", published_text(score), class_="published") for score in line.published),
        _details("recipe", cells, [_flat(cell.result.recipe) for cell in cells]),
        _details("all scores and groups", cells, [_flat(cell.result.scores or cell.result.unofficial) for cell in cells]),
        element("h3", "wrong answers"), answers, *cards,
        class_="benchmark",
    )  # fmt: skip


def _questions(line: Line, shown: Sequence[Wrong], root: Path | None) -> tuple[dict[str, Sample], str]:
    """The samples, and why there are none. A benchmark whose files are elsewhere must not cost the report of all others."""
    if root is None:
        return {}, "the report was made without the benchmark's data (--data)"
    try:
        return questions(line, shown, root), ""
    except EvalError as error:
        return {}, str(error)


def _details(title: str, cells: Sequence[Cell], values: Sequence[Mapping[str, str]]) -> Markup:
    """A table with a column a run, folded; rows that differ between runs are marked."""
    keys = list(dict.fromkeys(key for each in values for key in each))
    head = element("tr", element("th", "", scope="col"), *(element("th", cell.run, scope="col") for cell in cells))
    body = [_detail(key, [each.get(key, "–") for each in values]) for key in keys[:MOST_GROUPS]]
    more = element("p", f"{len(keys) - MOST_GROUPS:,} more are in result.json", class_="dim") if len(keys) > MOST_GROUPS else None
    return element("details", element("summary", title), _table(head, body), more)


def _detail(key: str, values: Sequence[str]) -> Markup:
    cells: list[Content] = [element("td", value) for value in values]
    return element("tr", element("th", key, scope="row"), *cells, class_="differs" if len(set(values)) > 1 else None)


def _flat(tree: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Nested mappings as one: {"protocol": {"max_tiles": 6}} -> {"protocol.max_tiles": "6"}."""
    found: dict[str, str] = {}
    for key, value in tree.items():
        name = f"{before}.{key}" if before else str(key)
        if isinstance(value, Mapping) and value:
            found |= _flat(value, name)
        else:
            found[name] = f"{value:.4f}" if isinstance(value, float) else text_of(value, most=400)
    return found


def _footer(pictures: PictureStore, limits: ReportLimits) -> Markup:
    used = f"{len(pictures.urls):,} pictures in {pictures.bytes_used / 1e6:.1f} MB of at most {limits.picture_bytes / 1e6:g} MB"
    left = f"; {pictures.left_out:,} are left out for that limit" if pictures.left_out else ""
    text = f"{used}{left}. Pictures are scaled to {limits.side} pixels; at most {limits.cards:,} wrong answers a benchmark are shown."
    return element("footer", join((text,)), class_="dim")
