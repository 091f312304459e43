"""The paper that receipts, tickets and cards are drawn on: puts text where it fits and remembers where everything went.

Sheet(width, height, style).put(text, x, y, width, key) -> where the text ends        keys -> boxes in px
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import PIL.Image
from PIL import ImageDraw, ImageFont
from recipes.nano.data.families.receipts_documents import Field, Paper
from recipes.nano.data.fonts import Face
from recipes.nano.data.layout_text import Box, around, wrap

Colour: TypeAlias = tuple[int, int, int]
Align: TypeAlias = Literal["left", "center", "right"]
SMALLEST = 11
# A strip ends where its text ends; this is only what it could need.
LONGEST = 2600


@dataclass(frozen=True, kw_only=True)
class Style:
    """Looks that stay the same all over a paper. size: px of plain text; colon: what follows labels."""

    face: Face
    title_face: Face
    size: int
    ink: Colour
    faint: Colour
    accent: Colour
    paper: Colour
    colon: str
    spacing: float
    rule: Literal["line", "dash", "dots", "double"]


class Sheet:
    """A picture in the making. y: where the next line goes; boxes: where what has a key went; placed: all texts."""

    def __init__(self, width: int, height: int | None, style: Style, source: random.Random) -> None:
        self.style, self.source, self.width = style, source, width
        self.height = height or LONGEST
        self._ends = height is None
        self.image = PIL.Image.new("RGB", (width, self.height), style.paper)
        self.draw = ImageDraw.Draw(self.image)
        self.margin = max(10, round(width * source.uniform(0.03, 0.07)))
        self.y = float(self.margin)
        self.boxes: dict[str, Box] = {}
        self.placed: list[tuple[str, Box]] = []
        self.smallest = 1000.0

    @property
    def inside(self) -> float:
        """Width between the margins."""
        return self.width - 2 * self.margin

    def put(
        self,
        text: str,
        x: float,
        y: float,
        width: float,
        *,
        size: float | None = None,
        align: Align = "left",
        ink: Colour | None = None,
        bold: bool = False,
        title: bool = False,
        key: str | None = None,
        lines: int = 9,
    ) -> float:
        """Write a text into a column; it gets smaller down to a point, then breaks. Returns the y below it."""
        if not text:
            return y
        wanted = max(SMALLEST, size or self.style.size)
        face = self.style.title_face if title else self.style.face
        font, rows = self._fitted(text, face, wanted, width, lines)
        self.smallest = min(self.smallest, font.size)
        anchor, place = {"left": ("la", x), "center": ("ma", x + width / 2), "right": ("ra", x + width)}[align]
        boxes = []
        stroke = max(0.4, font.size * 0.02) if bold else 0
        for row in rows:
            self.draw.text((place, y), row, font=font, fill=ink or self.style.ink, anchor=anchor, stroke_width=stroke)
            boxes.append(self.draw.textbbox((place, y), row, font=font, anchor=anchor, stroke_width=stroke))
            # Some faces have ink far below their line.
            y = max(y + font.size * self.style.spacing, boxes[-1][3] + 1)
        self.placed.append((text, around(boxes)))
        if key:
            self.boxes[key] = around(boxes)
        return y

    def length(self, text: str, *, size: float | None = None) -> float:
        """How wide a text is in plain letters."""
        return self.style.face.at(round(size or self.style.size)).getlength(text)

    def line(
        self, text: str, *, size: float | None = None, align: Align = "left", bold: bool = False, title: bool = False, key: str = ""
    ) -> None:
        """A text over the whole width, below what was written last."""
        self.y = self.put(text, self.margin, self.y, self.inside, size=size, align=align, bold=bold, title=title, key=key or None)

    def space(self, lines: float = 0.5) -> None:
        """Room of so many lines."""
        self.y += lines * self.style.size * self.style.spacing

    def rule(
        self, left: float | None = None, right: float | None = None, *, kind: str | None = None, ink: Colour | None = None
    ) -> None:
        """A line across, in the style of the paper."""
        left, right = self.margin if left is None else left, self.width - self.margin if right is None else right
        kind, ink, y = kind or self.style.rule, ink or self.style.ink, round(self.y + 3)
        step = {"dash": (9, 5), "dots": (2, 4)}.get(kind)
        if step:
            for start in range(round(left), round(right), sum(step)):
                self.draw.line((start, y, min(start + step[0], right), y), fill=ink, width=2)
        else:
            self.draw.line((left, y, right, y), fill=ink, width=1 if kind == "double" else 2)
            if kind == "double":
                self.draw.line((left, y + 4, right, y + 4), fill=ink, width=1)
        self.y = y + 9.0

    def pair(
        self, field: Field, x: float, y: float, width: float, *, apart: bool = False, size: float | None = None, bold: bool = False
    ) -> float:
        """Label and value on one line; apart: the value at the right edge. A value that has no room goes below its label."""
        key = f"field {field.key}"
        if not field.label:
            return self.put(field.value, x, y, width, size=size, bold=bold, key=key)
        label = field.label + self.style.colon
        gap = self.length("  ", size=size)
        taken = self.length(label, size=size) + gap
        wanted = self.length(field.value, size=size)
        if taken + wanted * 0.8 > width and taken > width * 0.45:
            y = self.put(label, x, y, width, size=size, ink=self.style.faint)
            return self.put(field.value, x, y, width, size=size, bold=bold, key=key)
        ends = self.put(label, x, y, taken, size=size, ink=self.style.faint, lines=1)
        return max(
            ends, self.put(field.value, x + taken, y, width - taken, size=size, align="right" if apart else "left", bold=bold, key=key)
        )

    def stacked(self, field: Field, x: float, y: float, width: float, *, scale: float = 1.25, bold: bool = True) -> float:
        """A small label with its value below."""
        if field.label:
            y = self.put(field.label, x, y, width, size=self.style.size * 0.72, ink=self.style.faint, lines=1)
        return self.put(field.value, x, y, width, size=self.style.size * scale, bold=bold, key=f"field {field.key}")

    def fill(self, box: Sequence[float], colour: Colour, *, radius: int = 0, outline: Colour | None = None, width: int = 1) -> None:
        """A filled area."""
        self.draw.rounded_rectangle(tuple(box), radius, fill=colour, outline=outline, width=width)

    def frame(self, box: Sequence[float], colour: Colour | None = None, *, width: int = 1, radius: int = 0) -> None:
        """An empty frame."""
        self.draw.rounded_rectangle(tuple(box), radius, outline=colour or self.style.ink, width=width)

    def bars(self, x: float, y: float, width: float, height: float) -> float:
        """A bar code; it says nothing."""
        at, end, dark = round(x), round(x + width), True
        while at < end - 4:
            step = self.source.choice((1, 2, 2, 3)) * max(1, round(width / 220))
            if dark:
                self.draw.rectangle((at, y, min(at + step, end) - 1, y + height), fill=(15, 15, 15))
            at, dark = at + step, not dark
        return y + height

    def squares(self, x: float, y: float, side: float) -> float:
        """A two-dimensional code; it says nothing."""
        count = 21
        step = max(2, int(side // count))
        for row, column in itertools.product(range(count), repeat=2):
            if _is_dark(row, column, count, self.source):
                left, top = x + column * step, y + row * step
                self.draw.rectangle((left, top, left + step - 1, top + step - 1), fill=(15, 15, 15))
        return y + count * step

    def portrait(self, x: float, y: float, width: float, height: float) -> float:
        """Where a photograph would be: a head and shoulders."""
        back = self.source.choice(((205, 218, 232), (225, 225, 225), (170, 200, 235), (235, 222, 205)))
        skin = self.source.choice(((236, 200, 170), (198, 150, 116), (140, 96, 70), (245, 216, 190)))
        part = PIL.Image.new("RGB", (round(width), round(height)), back)
        pen = ImageDraw.Draw(part)
        hair = self.source.choice(((40, 30, 25), (90, 60, 30), (20, 20, 20), (150, 120, 70)))
        pen.ellipse((width * 0.1, height * 0.68, width * 0.9, height * 1.4), fill=self.style.accent)
        pen.ellipse((width * 0.27, height * 0.16, width * 0.73, height * 0.66), fill=hair)
        pen.ellipse((width * 0.31, height * 0.26, width * 0.69, height * 0.72), fill=skin)
        self.image.paste(part, (round(x), round(y)))
        return y + height

    def table(
        self, paper: Paper, x: float, y: float, width: float, *, grid: bool = False, stripes: bool = False, band: Colour | None = None
    ) -> float:
        """The list of items with a head, numbers to the right."""
        shares = {"name": 4.0, "quantity": 1.1, "price": 1.7, "amount": 1.9}
        unit = width / sum(shares[name] for name in paper.columns)
        heads = column_heads(paper, self.source)
        size, pad = self.style.size, 6
        top = y
        edges = [x]
        for name in paper.columns:
            edges.append(edges[-1] + shares[name] * unit)
        for number, cells in enumerate([heads, *(paper.cells(item) for item in paper.items)]):
            starts = y
            if number == 0 and band:
                self.fill((x, y, x + width, y + size * 1.7), band)
            # Stripes are drawn before the text, so the height is measured first.
            name_rows = self._fitted(cells["name"], self.style.face, size, edges[1] - edges[0] - 2 * pad, 9)[1]
            height = max(size * 1.7, len(name_rows) * size * self.style.spacing + size * 0.5)
            if stripes and number % 2 == 0 and number:
                self.fill((x, y, x + width, y + height), _mixed(self.style.paper, self.style.accent, 0.1))
            for column, name in enumerate(paper.columns):
                ink = (255, 255, 255) if number == 0 and band else None
                align: Align = "left" if name == "name" else "right"
                key = f"item {number - 1} {name}" if number else None
                room = edges[column + 1] - edges[column] - 2 * pad
                self.put(cells[name], edges[column] + pad, y + size * 0.28, room, align=align, ink=ink, bold=number == 0, key=key)
            y = starts + height
            if grid or number == 0:
                self.draw.line((x, y, x + width, y), fill=self.style.faint, width=1)
        if grid:
            self.frame((x, top, x + width, y), self.style.faint)
            for edge in edges[1:-1]:
                self.draw.line((edge, top, edge, y), fill=self.style.faint, width=1)
        return y + 4

    def finished(self) -> PIL.Image.Image:
        """The picture; a strip is cut below its last line."""
        if not self._ends:
            return self.image
        return self.image.crop((0, 0, self.width, min(self.height, round(self.y + self.margin))))

    def _fitted(self, text: str, face: Face, size: float, width: float, lines: int) -> tuple[ImageFont.FreeTypeFont, list[str]]:
        """A font in which the text fits the width: whole if it may get a quarter smaller, else in several lines."""
        font = face.at(round(size))
        length = font.getlength(text)
        if length <= width:
            return font, [text]
        smallest = max(SMALLEST, round(size * (0.75 if lines > 1 else 0.4)))
        fits = max(smallest, int(size * width / length))
        font = face.at(fits)
        while fits > smallest and font.getlength(text) > width:
            fits -= 1
            font = face.at(fits)
        if font.getlength(text) <= width or lines == 1:
            return font, [text]
        font = face.at(max(smallest, round(size * 0.85)))
        return font, wrap(text, font, width)


def column_heads(paper: Paper, source: random.Random) -> dict[str, str]:
    """What the columns of a list are called."""
    zh = paper.language == "zh"
    heads = {
        "name": ("名称", "商品", "项目", "品名") if zh else ("Item", "Description", "Article", "Product"),
        "quantity": ("数量",) if zh else ("Qty", "Qty.", "Pcs"),
        "price": ("单价",) if zh else ("Price", "Unit", "Each"),
        "amount": ("金额", "小计") if zh and paper.get("subtotal") is None else ("金额",) if zh else ("Amount", "Sum"),
    }
    return {name: source.choice(heads[name]) for name in paper.columns}


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _is_dark(row: int, column: int, count: int, source: random.Random) -> bool:
    """Eyes in three corners, chance elsewhere."""
    low, right = row >= count - 8, column >= count - 8
    if (row > 7 and not low) or (column > 7 and not right) or (low and right):
        return source.random() < 0.5
    y, x = (count - 1 - row if low else row), (count - 1 - column if right else column)
    ring = max(abs(y - 3), abs(x - 3))
    return ring in (0, 1, 3)
