"""What cleaning did, as one HTML file that needs nothing else: the family's table, what each rule took, histograms, and pictures.

    Tally of each set of rules, pictures of the examples -> tables, SVG, thumbnails -> report.html

It asks no server for anything and runs no script. Pictures that were dropped as unsafe are not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from internvl.eval.report_markup import Markup, element
from internvl.eval.report_pictures import PictureStore
from internvl.messages import Image
from internvl.pipelines.clean.examples import KEPT, NEAREST, Example
from internvl.pipelines.clean.histogram_drawing import histogram_svg
from internvl.pipelines.clean.known_columns import COLUMNS
from internvl.pipelines.clean.report_table import family_header, family_rows, percent, reason_rows, reasons_in_order, rule_on
from internvl.pipelines.clean.tally import Tally

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_SIDE, _PICTURE_BYTES = 240, 12_000_000
_HIDDEN = "unsafe"
_SHOWN_SCORES = ("similarity", "aesthetic", "watermark")


def report_page(tallies: Sequence[Tally], pictures: Mapping[int, bytes], *, title: str) -> str:
    """The page. pictures: by row number of the examples and of those that stay instead of them."""
    shown = _Thumbnails(pictures)
    body = [
        element("header", element("h1", title), _family(tallies)),
        *(part for tally in tallies for part in _section(tally, shown)),
        element("footer", element("p", shown.words(), class_="dim")),
    ]
    return "<!doctype html>\n" + element("html", _head(title), element("body", *body), lang="en") + "\n"


class _Thumbnails:
    """Small pictures of samples as <img>, within a limit of bytes for the page."""

    def __init__(self, pictures: Mapping[int, bytes]) -> None:
        self._pictures = pictures
        self._store = PictureStore(_SIDE, _PICTURE_BYTES)

    def has(self, row: int) -> bool:
        """Whether there is a picture of the row."""
        return row in self._pictures

    def of(self, row: int, caption: str) -> Markup:
        """The picture of a row, or a sentence instead."""
        content = self._pictures.get(row)
        if content is None:
            return element("div", "no picture to show", class_="none")
        shown = next(self._store.add(Image(content)))
        if shown.place is None:
            return element("div", "can't be shown", class_="none")
        return element("img", src=self._store.urls[shown.place], alt=caption[:120], loading="lazy")

    def words(self) -> str:
        """What is said below the page."""
        left = f", {self._store.left_out:,} left out for the page's size" if self._store.left_out else ""
        size = f"{len(self._store.urls):,} pictures, {self._store.bytes_used / 1e6:.1f} MB{left}"
        return f"{size}. Examples are drawn by a hash of their places."


def _head(title: str) -> Markup:
    style = Markup((files("internvl.eval") / "report.css").read_text("utf-8") + (files(__package__) / "report.css").read_text("utf-8"))
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )


def _family(tallies: Sequence[Tally]) -> Markup:
    rows = family_rows(tallies)
    return _table(family_header(tallies), rows, words=(1,))


def _section(tally: Tally, shown: _Thumbnails) -> Iterator[Markup]:
    kept = f"{tally.kept:,} of {tally.rows:,} samples stay, {percent(tally.kept, tally.rows)}."
    yield element("h2", tally.rules.title)
    yield element("p", kept)
    yield element("h3", "what each rule takes out")
    yield element(
        "p", "Any: samples it takes out. Alone: those that nothing else takes out. First: those it is the first to take.", class_="dim"
    )
    yield _table(["reason", "rule", "any", "alone", "first", "of all"], reason_rows(tally), words=(1,))
    yield element("h3", "scores")
    yield _key()
    yield from _histograms(tally)
    yield element("h3", "examples")
    yield from _examples(tally, shown)


def _key() -> Markup:
    marks = [(kind, element("span", "", class_=kind)) for kind in ("all", "kept", "limit")]
    return element("p", *(part for kind, mark in marks for part in (mark, kind)), "; counts on a logarithmic scale", class_="key dim")


def _histograms(tally: Tally) -> Iterator[Markup]:
    ruled = [name for name in tally.histograms if rule_on(tally.rules, name)]
    others = [name for name in tally.histograms if name not in ruled]
    yield element("div", *(_panel(tally, name) for name in ruled), class_="panels")
    if others:
        panels = element("div", *(_panel(tally, name) for name in others), class_="panels")
        yield element("details", element("summary", f"{len(others)} more, without a rule"), panels)


def _panel(tally: Tally, name: str) -> Markup:
    histogram = tally.histograms[name]
    missing = f"; {histogram.missing:,} without a value" if histogram.missing else ""
    caption = element("figcaption", element("b", name), f": {COLUMNS[name].meaning}{missing}")
    return element("figure", caption, histogram_svg(name, histogram, rule_on(tally.rules, name)))


def _examples(tally: Tally, shown: _Thumbnails) -> Iterator[Markup]:
    chosen = tally.examples.chosen()
    for kind in (KEPT, *reasons_in_order(tally)):
        for key, words in ((kind, kind or "kept"), (NEAREST + kind, f"{kind}: kept, the nearest to the limit")):
            if key in chosen:
                yield element("h4", words)
                yield element("div", *(_figure(example, shown) for example in chosen[key]), class_="examples")


def _figure(example: Example, shown: _Thumbnails) -> Markup:
    hidden = any(reason.startswith(f"{_HIDDEN}:") for reason in example.reasons)
    picture = element("div", "not shown", class_="none") if hidden else _pictures(example, shown)
    scores = ", ".join(f"{name} {example.scores[name]:.3g}" for name in _SHOWN_SCORES if name in example.scores)
    return element(
        "figure",
        picture,
        element("div", example.caption or "(no caption)", class_="caption"),
        *(element("div", reason, class_="why") for reason in example.reasons),
        element("div", f"{example.origin}" + (f"; {scores}" if scores else ""), class_="where"),
    )


def _pictures(example: Example, shown: _Thumbnails) -> Markup:
    """The picture, and beside a duplicate the one that stays, unless it is of an evaluation set: lists hold no pictures."""
    this = shown.of(example.row, example.caption)
    if not shown.has(example.stays):
        return this
    return element("div", this, shown.of(example.stays, "the picture that stays"), class_="pair")


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], *, words: Sequence[int] = ()) -> Markup:
    head = element("tr", *(element("th", name, scope="col", class_="words" if at in words else None) for at, name in enumerate(names)))
    body = [
        element("tr", *(element("td" if at else "th", cell, class_="words" if at in words else None) for at, cell in enumerate(row)))
        for row in rows
    ]
    return element("div", element("table", element("thead", head), element("tbody", *body)), class_="wide", tabindex="0")
