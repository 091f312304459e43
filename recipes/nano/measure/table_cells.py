"""Scores of a table in Markdown or HTML: which cells stand where they should with the right text.

text -> rows of cells -> F1 over (row, column, text), and whether all agree
"""

from __future__ import annotations

import unicodedata
from html.parser import HTMLParser


def table_score(answer: str, truth: str) -> dict[str, float]:
    """ "score": F1 over cells; "exact": the very same cells."""
    given, wanted = _cells(answer), _cells(truth)
    right = len(given & wanted)
    f1 = 2 * right / (len(given) + len(wanted)) if right else 0.0
    return {"score": f1, "exact": float(bool(wanted) and given == wanted)}


def _cells(text: str) -> set[tuple[int, int, str]]:
    rows = _html_rows(text) if "<t" in text.casefold() else _markdown_rows(text)
    return {(y, x, _clean(cell)) for y, row in enumerate(rows) for x, cell in enumerate(row)}


def _clean(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _markdown_rows(text: str) -> list[list[str]]:
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if "|" in line]
    return [row for row in rows if not all(set(cell.strip()) <= {"-", ":"} and cell.strip() for cell in row)]


def _html_rows(text: str) -> list[list[str]]:
    parser = _Rows()
    parser.feed(text)
    parser.close()
    return parser.rows


class _Rows(HTMLParser):
    """Collects the texts of td and th by tr; spans are kept as part of the text, so that a wrong one is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        self._open = tag in ("td", "th")
        if self._open:
            if not self.rows:
                self.rows.append([])
            spans = [f"{name}={value} " for name, value in sorted(attrs) if value not in ("1", None)]
            self.rows[-1].append("".join(spans))

    def handle_endtag(self, tag: str) -> None:
        self._open = False

    def handle_data(self, data: str) -> None:
        if self._open and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data
