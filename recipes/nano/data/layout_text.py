"""Sets text on a picture and knows where everything is.

    text -> wrap -> strings of lines -> place -> Line(text, box, runs) -> draw_lines on a mask; Line.find(phrase) -> its box

Boxes are x1, y1, x2, y2 in px of the picture. Chinese breaks between any two characters, except where punctuation must not start or
end a line; other text breaks at spaces.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from PIL import ImageDraw, ImageFont

Box: TypeAlias = tuple[float, float, float, float]
Align: TypeAlias = Literal["left", "center", "right", "justify"]
Font: TypeAlias = ImageFont.FreeTypeFont
WIDE = "\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
PIECE = re.compile(rf"[{WIDE}]|[^\s{WIDE}]+")
NEVER_FIRST = frozenset("，。！？；：、）》」』】”’…—～·％,.!?;:)]}%")
NEVER_LAST = frozenset("（《「『【“‘([{")


@dataclass(frozen=True)
class Line:
    """One line as set: runs are (place of the first character in text, x where it starts)."""

    text: str
    font: Font
    baseline: float
    runs: tuple[tuple[int, float], ...]
    box: Box

    def find(self, phrase: str, start: int | None = None) -> Box | None:
        """Where `phrase` stands in the line (the first time, or at `start`); None when it does not."""
        begin = self.text.find(phrase) if start is None else start
        if begin < 0 or not phrase:
            return None
        _, top, _, bottom = self.font.getbbox(phrase, anchor="ls")
        last = begin + len(phrase)
        return self._x(begin, of_end=False), self.baseline + top, self._x(last, of_end=True), self.baseline + bottom

    def _x(self, index: int, *, of_end: bool) -> float:
        """The x of the edge before the character at `index`; of_end: as the right edge of the character before it."""
        probe = index - 1 if of_end else index
        begin, x = max((run for run in self.runs if run[0] <= probe), key=lambda run: run[0])
        return x + self.font.getlength(self.text[begin:index])


def pieces(text: str) -> list[tuple[int, str]]:
    """The words of a text, each wide (Chinese) character being one, with their places."""
    return [(match.start(), match.group()) for match in PIECE.finditer(text)]


def wrap(text: str, font: Font, width: float) -> list[str]:
    """Lines no wider than `width` (a px or two of kerning aside); a line feed in the text always breaks."""
    return [line for part in text.split("\n") for line in _wrap_one(part, font, width)]


def place(
    lines: Sequence[str], font: Font, *, left: float, top: float, width: float, align: Align = "left", spacing: float = 1.3
) -> list[Line]:
    """Lines of one column, the first one's ascender at `top`; spacing is in font sizes from baseline to baseline."""
    baseline = top + font.getmetrics()[0] * min(1.0, spacing)
    placed = []
    for index, text in enumerate(lines):
        last = index == len(lines) - 1
        placed.append(_place_one(text, font, left, round(baseline), width, "left" if last and align == "justify" else align))
        baseline += font.size * spacing
    return placed


def draw_lines(draw: ImageDraw.ImageDraw, lines: Sequence[Line], fill: int | str | tuple[int, int, int]) -> None:
    """Draws lines where `place` put them."""
    for line in lines:
        ends = [begin for begin, _ in line.runs[1:]] + [len(line.text)]
        for (begin, x), end in zip(line.runs, ends, strict=True):
            draw.text((x, line.baseline), line.text[begin:end].rstrip(), fill=fill, font=line.font, anchor="ls")


def around(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds them all."""
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def thousandths(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """A box in thousandths of the picture's width and height, as grounding is written."""
    places = [round(1000 * value / size[axis % 2]) for axis, value in enumerate(box)]
    x1, y1, x2, y2 = (min(max(place, 0), 1000) for place in places)
    return x1, y1, x2, y2


def _wrap_one(text: str, font: Font, width: float) -> list[str]:
    """Greedy: a unit goes on the line while it fits."""
    space = _length(" ", font)
    lines: list[str] = []
    line, filled = "", 0.0
    for unit, spaced in _units(text, font, width):
        length = _length(unit, font)
        gap = space if spaced and line else 0.0
        if line and filled + gap + length > width:
            lines.append(line)
            line, filled, gap = "", 0.0, 0.0
        line += (" " if gap else "") + unit
        filled += gap + length
    return [*lines, line] if line else lines


def _units(text: str, font: Font, width: float) -> list[tuple[str, bool]]:
    """What must stay on one line, and whether a space comes before it."""
    units: list[tuple[str, bool]] = []
    end = 0
    for start, piece in pieces(text):
        spaced = start > end
        end = start + len(piece)
        glued = bool(units) and not spaced and (piece[0] in NEVER_FIRST or units[-1][0][-1] in NEVER_LAST)
        if glued:
            units[-1] = (units[-1][0] + piece, units[-1][1])
        else:
            units.append((piece, spaced))
    return [part for unit in units for part in _split_long(unit, font, width)]


def _split_long(unit: tuple[str, bool], font: Font, width: float) -> list[tuple[str, bool]]:
    """A word wider than the column is broken between any two characters, as addresses of pages are."""
    text, spaced = unit
    if len(text) < 2 or _length(text, font) <= width:
        return [unit]
    return [(character, spaced and index == 0) for index, character in enumerate(text)]


@lru_cache(maxsize=8192)
def _length(text: str, font: Font) -> float:
    """Words and hanzi come again and again, on a page and where it is set in several widths."""
    return font.getlength(text)


def _place_one(text: str, font: Font, left: float, baseline: float, width: float, align: Align) -> Line:
    length = font.getlength(text)
    spare = width - length
    starts = {"left": left, "justify": left, "center": left + spare / 2, "right": left + spare}
    runs: tuple[tuple[int, float], ...] = ((0, float(round(starts[align]))),)
    if align == "justify" and 0 < spare < 0.35 * width:
        runs = _justified(text, font, left, spare)
    x1, top, x2, bottom = font.getbbox(text, anchor="ls")
    first, (begin, last) = runs[0][1], runs[-1]
    right = max(last + font.getlength(text[begin:]), last + font.getbbox(text[begin:], anchor="ls")[2]) if len(runs) > 1 else first + x2
    return Line(text, font, baseline, runs, (first + min(0, x1), baseline + top, right, baseline + bottom))


def _justified(text: str, font: Font, left: float, spare: float) -> tuple[tuple[int, float], ...]:
    """Runs with the spare width shared out: at spaces if there are some, else between characters."""
    starts = [start for start, _ in pieces(text)]
    spaced = [start for start in starts if start and text[start - 1].isspace()]
    breaks = spaced or starts[1:]
    if not breaks:
        return ((0, left),)
    share = spare / len(breaks)
    return tuple((begin, left + font.getlength(text[:begin]) + share * count) for count, begin in enumerate([0, *breaks]))
