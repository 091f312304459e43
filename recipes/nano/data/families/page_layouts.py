"""Sheets with text set on them: articles, letters, notes, lists, signs and posters.

    (source, split, kind) -> Sheet(size, blocks, marks, values)         a block is a title, a paragraph, an item ... with its lines

A block always stands whole in one column, so that what was written is what can be read. Blocks are in reading order.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from recipes.nano.data import texts
from recipes.nano.data.fonts import Face, covers, face
from recipes.nano.data.layout_text import Align, Box, Font, Line, around, pieces, place, wrap
from recipes.nano.data.sample import Language, MissingMaterial, Split

Kind: TypeAlias = Literal["article", "letter", "note", "list", "sign", "poster"]
Style: TypeAlias = Literal["print", "hand", "mono"]
KINDS: tuple[Kind, ...] = ("article", "letter", "note", "list", "sign", "poster")
SHEETS_TO_TRY = 12
GREETINGS: dict[Language, tuple[str, ...]] = {
    "en": ("Dear {},", "Hello {},", "Hi {},", "To {}:", "Dear {}:"),
    "zh": ("亲爱的{}：", "{}：", "尊敬的{}：", "{}，你好！"),
}
CLOSINGS: dict[Language, tuple[str, ...]] = {
    "en": ("Yours,", "Kind regards,", "Best wishes,", "Sincerely,", "Thank you,", "Love,"),
    "zh": ("此致敬礼", "祝好！", "谢谢！", "祝工作顺利！", "敬上"),
}
LIST_TITLES: dict[Language, tuple[str, ...]] = {
    "en": ("To do", "Shopping list", "Do not forget", "Agenda", "Contents", "Ingredients", "Rules", "Packing list"),
    "zh": ("待办事项", "购物清单", "不要忘记", "议程", "目录", "材料", "规则", "行李清单"),
}


@dataclass(frozen=True)
class Block:
    """A piece of a sheet that is read as one: role says what it is; printed is the text with its number, if it has one."""

    role: str
    text: str
    printed: str
    lines: tuple[Line, ...]

    @property
    def box(self) -> Box:
        return around([line.box for line in self.lines])


@dataclass(frozen=True)
class Sheet:
    """A set sheet. marks: (shape, box) drawn beside the text; values: kind -> text, the only one of its kind."""

    kind: Kind
    language: Language
    size: tuple[int, int]
    blocks: tuple[Block, ...]
    marks: tuple[tuple[str, Box], ...]
    values: dict[str, str]
    columns: int = 1

    @property
    def lines(self) -> list[Line]:
        return [line for block in self.blocks for line in block.lines]

    @property
    def text_px(self) -> float:
        return min(line.font.size for line in self.lines)

    def having(self, role: str) -> list[Block]:
        return [block for block in self.blocks if block.role == role]


def compose(source: random.Random, split: Split, kind: Kind, language: Language) -> Sheet:
    """A sheet of this kind. Raises MissingMaterial."""
    makers: dict[Kind, Callable[[random.Random, Split, Language], Sheet]] = {
        "article": _article,
        "letter": _letter,
        "note": _note,
        "list": _list,
        "sign": _sign,
        "poster": _poster,
    }
    # Now and then a face lacks characters of every text that was drawn, or nothing fits.
    for _ in range(SHEETS_TO_TRY):
        if (sheet := makers[kind](source, split, language)).blocks:
            return sheet
    raise MissingMaterial(
        f"no {language} text of the {split} split could be set as {kind}: python -m recipes.nano.data.materials --use fonts"
    )


@dataclass
class _Flow:
    """Blocks set one below the other in a column, as long as there is room."""

    left: float
    top: float
    width: float
    bottom: float
    blocks: list[Block] = field(default_factory=list)
    marks: list[tuple[str, Box]] = field(default_factory=list)

    def put(
        self, role: str, text: str, font: Font, *, align: Align = "left", spacing: float = 1.35, after: float = 0.5, lead: str = ""
    ) -> bool:
        """Sets a block and moves on by `after` sizes; False when it does not fit. lead: a bullet, box or number before it."""
        text = " ".join(text.split())
        number = {".": f"{lead} ", ")": f"{lead} ", "、": lead}.get(lead[-1:], "")
        inset = 1.4 * font.size if lead and not number else 0.0
        left, width = self.left + inset, self.width - inset
        lines = place(wrap(number + text, font, width), font, left=left, top=self.top, width=width, align=align, spacing=spacing)
        if not lines or max(line.box[3] for line in lines) > self.bottom:
            return False
        self.blocks.append(Block(role, text, number + text, tuple(lines)))
        if inset:
            side, baseline = 0.5 * font.size, lines[0].baseline
            self.marks.append(
                (lead, (self.left + 2, baseline - side - 0.1 * font.size, self.left + 2 + side, baseline - 0.1 * font.size))
            )
        self.top = lines[-1].baseline + font.size * (spacing - 1 + after)
        return True


@dataclass(frozen=True)
class _Hand:
    """Who sets a sheet: its language, split and faces."""

    source: random.Random
    split: Split
    language: Language
    body: Face
    display: Face

    def text(self, make: Callable[[], str], chosen: Face) -> str | None:
        """A text that the face has all characters of; None when the face lacks too much."""
        for _ in range(5):
            text = " ".join(make().split())
            if text and covers(chosen, text):
                return text
        return None

    def paragraph(self, sentences: tuple[int, int]) -> str | None:
        return self.text(lambda: texts.paragraph(self.source, self.language, self.split, sentences=sentences), self.body)

    def title(self) -> str | None:
        return self.text(lambda: texts.title(self.source, self.language, self.split), self.display)

    def words(self, low: int, high: int, chosen: Face) -> str | None:
        gap = " " if self.language == "en" else ""
        return self.text(lambda: gap.join(texts.words(self.source, self.language, self.split, self.source.randint(low, high))), chosen)


def _hand(source: random.Random, split: Split, language: Language, styles: tuple[Style, ...]) -> _Hand:
    """Faces for body and headings, the same in half of the sheets."""
    style = source.choice(styles)
    body = _usable(source, language, split, style)
    display = body if source.random() < 0.5 else _usable(source, language, split, style)
    return _Hand(source, split, language, body, display)


def _usable(source: random.Random, language: Language, split: Split, style: Style) -> Face:
    """A face that has what every sheet of the language needs."""
    probe = "Aaz019.,:)" if language == "en" else "年月日的一是不了人我在有，。：、0129"
    try:
        return face(source, language, split, style=style, text=probe)
    except MissingMaterial:
        # Where no handwriting is installed, print will do.
        return face(source, language, split, text=probe)


def _large(chosen: Face, text: str, size: int, width: float) -> Font:
    """The face at this size, or smaller where a word would have to be broken."""
    font = chosen.at(size)
    longest = max(font.getlength(piece) for _, piece in pieces(text))
    return font if longest <= width else chosen.at(max(12, int(size * width / longest) - 1))


def _page(source: random.Random, widths: tuple[int, int], shape: tuple[float, float]) -> tuple[int, int, int]:
    """Width, height and margin."""
    width = source.randint(*widths)
    height = min(1600, max(224, round(width * source.uniform(*shape))))
    return width, height, round(width * source.uniform(0.05, 0.1))


def _finished(
    source: random.Random,
    kind: Kind,
    language: Language,
    flows: list[_Flow],
    size: tuple[int, int],
    margin: int,
    *,
    columns: int = 1,
    values: dict[str, str],
) -> Sheet:
    """The sheet, cut below its last line."""
    blocks = [block for flow in flows for block in flow.blocks]
    if any(_holds_figures(block.text) for block in blocks if block.role in ("title", "heading", "paragraph")):
        # A date in the running text would make "the date" ambiguous; the same goes for amounts and numbers to call.
        values = {kind: text for kind, text in values.items() if kind in ("page_number", "sender", "receiver")}
    end = max((block.box[3] for block in blocks), default=0) + margin
    height = round(min(size[1], max(224, end)))
    marks = [mark for flow in flows for mark in flow.marks]
    return Sheet(kind, language, (size[0], height), tuple(blocks), tuple(marks), values, columns)


def _holds_figures(text: str) -> bool:
    return re.search(r"[\d@]|[一二三四五六七八九十][年月日号点时元]", text) is not None


def _article(source: random.Random, split: Split, language: Language) -> Sheet:
    """A page of a book, paper or leaflet: title, sections, one to three columns, page number."""
    hand = _hand(source, split, language, ("print", "print", "print", "mono"))
    width, height, margin = _page(source, (480, 1100), (0.7, 1.42))
    size = source.randint(13, 24) if language == "en" else source.randint(14, 26)
    font, head = hand.body.at(size), hand.display.at(round(size * source.uniform(1.1, 1.4)))
    spacing = source.uniform(1.2, 1.7)
    align: Align = source.choice(("left", "left", "justify"))
    top = _Flow(margin, margin, width - 2 * margin, height - margin)
    if source.random() < 0.8 and (title := hand.title()):
        top.put(
            "title", title, hand.display.at(round(size * source.uniform(1.5, 2.4))), align=source.choice(("left", "center")), after=1.0
        )
    columns = source.choice([count for count in (1, 1, 2, 3) if (width - 2 * margin) / count > 14 * size])
    numbered = source.random() < 0.4
    flows, gutter = [top], 1.8 * size
    column = (width - 2 * margin - gutter * (columns - 1)) / columns
    for index in range(columns):
        flow = _Flow(margin + index * (column + gutter), top.top, column, height - margin - (2 * size if numbered else 0))
        _fill(source, hand, flow, font, head, spacing, align)
        flows.append(flow)
    values = _page_number(source, flows, font, (width, height), margin, size) if numbered else {}
    filled = sum(bool(flow.blocks) for flow in flows[1 : columns + 1])
    return _finished(
        source, "article", language, flows, (width, height), margin if not values else margin // 2, columns=filled, values=values
    )


def _fill(source: random.Random, hand: _Hand, flow: _Flow, font: Font, head: Font, spacing: float, align: Align) -> None:
    """Sections until the column is full; a heading never stands at the foot."""
    headed = source.random() < 0.6
    for _ in range(source.choice((2, 3, 6, 12, 12))):
        paragraph = hand.paragraph((1, 4))
        if paragraph is None:
            continue
        # Titles of real documents repeat; a heading must name one section.
        known = {block.text for block in flow.blocks}
        heading = hand.title() if headed and source.random() < 0.5 else None
        before = (flow.top, len(flow.blocks))
        set_head = heading is not None and heading not in known and flow.put("heading", heading, head, spacing=1.25, after=0.3)
        if not flow.put("paragraph", paragraph, font, spacing=spacing, align=align, after=0.7):
            if set_head:
                flow.blocks.pop()
                flow.top = before[0]
            if len(flow.blocks) > 2:
                return


def _page_number(
    source: random.Random, flows: list[_Flow], font: Font, page: tuple[int, int], margin: int, size: int
) -> dict[str, str]:
    """The number at the foot, below the longest column."""
    number = str(source.randint(1, 600))
    shown = source.choice((number, number, f"- {number} -"))
    lowest = max((block.box[3] for flow in flows for block in flow.blocks), default=0)
    foot = _Flow(margin, lowest + size, page[0] - 2 * margin, page[1] - 2)
    if not foot.put("page_number", shown, font, align=source.choice(("center", "right", "left"))):
        return {}
    flows.append(foot)
    return {"page_number": number}


def _letter(source: random.Random, split: Split, language: Language) -> Sheet:
    """Date, greeting, some paragraphs, closing and name."""
    hand = _hand(source, split, language, ("print", "hand", "hand", "mono"))
    width, height, margin = _page(source, (480, 900), (0.8, 1.42))
    size = source.randint(16, 28)
    font, spacing = hand.body.at(size), source.uniform(1.25, 1.7)
    flow = _Flow(margin, margin, width - 2 * margin, height - margin / 2)
    receiver, sender, date = (make(source, language) for make in (texts.person, texts.person, texts.date))
    values: dict[str, str] = {}
    if (
        covers(hand.body, date)
        and source.random() < 0.7
        and flow.put("date", date, font, align=source.choice(("left", "right")), after=1)
    ):
        values["date"] = date
    greeting = source.choice(GREETINGS[language]).format(receiver)
    if covers(hand.body, greeting) and flow.put("greeting", greeting, font, after=0.6):
        values["receiver"] = receiver
    room = flow.bottom
    flow.bottom -= 4.5 * size * spacing
    for _ in range(source.randint(1, 4)):
        if paragraph := hand.paragraph((1, 3)):
            flow.put("paragraph", paragraph, font, spacing=spacing, after=0.5)
    flow.bottom = room
    if source.random() < 0.8 and covers(hand.body, sender):
        side: Align = source.choice(("left", "right"))
        flow.put("closing", hand.text(lambda: source.choice(CLOSINGS[language]), hand.body) or "", font, align=side, after=0.2)
        if flow.put("sender", sender, font, align=side):
            values["sender"] = sender
    return _finished(source, "letter", language, [flow], (width, height), margin, values=values)


def _note(source: random.Random, split: Split, language: Language) -> Sheet:
    """A few lines by hand on a slip of paper."""
    hand = _hand(source, split, language, ("hand", "hand", "hand", "print"))
    width, height, margin = _page(source, (300, 700), (0.6, 1.3))
    flow = _Flow(margin, margin, width - 2 * margin, height - margin / 2)
    font, spacing = hand.body.at(source.randint(20, 42)), source.uniform(1.2, 1.6)
    for _ in range(source.randint(1, 3)):
        make = hand.paragraph((1, 2)) if source.random() < 0.6 else hand.words(1, 5, hand.body)
        if make:
            flow.put("paragraph", make, font, spacing=spacing, after=source.uniform(0.2, 0.8))
    if not flow.blocks and (words := hand.words(1, 3, hand.body)):
        flow.put("paragraph", words, font, spacing=spacing)
    return _finished(source, "note", language, [flow], (width, height), margin, values={})


def _list(source: random.Random, split: Split, language: Language) -> Sheet:
    """A title and two to nine items with bullets, boxes or numbers."""
    hand = _hand(source, split, language, ("print", "print", "hand"))
    width, height, margin = _page(source, (320, 800), (0.8, 1.5))
    size = source.randint(16, 34)
    flow = _Flow(margin, margin, width - 2 * margin, height - margin / 2)
    if source.random() < 0.8:
        title = hand.title() if source.random() < 0.5 else hand.text(lambda: source.choice(LIST_TITLES[language]), hand.display)
        if title:
            flow.put("title", title, hand.display.at(round(size * source.uniform(1.2, 1.7))), after=0.7)
    bullet = source.choice(("dot", "square", "tick box", "dash", "1.", "1)" if language == "en" else "1、"))
    for count in range(1, source.randint(3, 10)):
        item = hand.words(1, 4, hand.body) if source.random() < 0.75 else hand.paragraph((1, 1))
        if item and item not in {block.text for block in flow.blocks}:
            place_in_list = sum(block.role == "item" for block in flow.blocks) + 1
            lead = bullet.replace("1", str(place_in_list))
            if not flow.put("item", item, hand.body.at(size), lead=lead, after=0.35) and count > 2:
                break
    return _finished(source, "list", language, [flow], (width, height), margin, values={})


def _sign(source: random.Random, split: Split, language: Language) -> Sheet:
    """A few large words on a plate; Chinese ones sometimes with English below."""
    hand = _hand(source, split, language, ("print", "print", "hand"))
    width, height, margin = _page(source, (260, 900), (0.35, 1.1))
    flow = _Flow(margin, margin, width - 2 * margin, height - margin)
    for _ in range(source.choice((1, 1, 2, 3))):
        text = hand.words(1, 3, hand.display)
        if text:
            text = text.upper() if source.random() < 0.5 and hand.display.style != "hand" else text
            size = round(source.uniform(0.08, 0.18) * width)
            flow.put("words", text, _large(hand.display, text, max(16, size), flow.width), align="center", spacing=1.2, after=0.15)
    below = " ".join(texts.words(source, "en", split, source.randint(1, 3))).upper()
    if language == "zh" and source.random() < 0.5 and covers(hand.display, below):
        flow.put("words", below, _large(hand.display, below, max(14, round(0.06 * width)), flow.width), align="center")
    if not flow.blocks and (words := hand.words(1, 1, hand.display)):
        flow.put("words", words, _large(hand.display, words, max(16, width // 16), flow.width), align="center")
    return _finished(source, "sign", language, [flow], (width, height), margin, values={})


def _poster(source: random.Random, split: Split, language: Language) -> Sheet:
    """A large title, words about it, and when, where, how much."""
    hand = _hand(source, split, language, ("print", "print", "print", "hand"))
    width, height, margin = _page(source, (420, 1000), (1.0, 1.5))
    align: Align = source.choice(("center", "center", "left", "right"))
    flow = _Flow(margin, margin, width - 2 * margin, height - margin / 2)
    if title := hand.title():
        flow.put(
            "title", title, hand.display.at(max(24, round(width * source.uniform(0.07, 0.14)))), align=align, spacing=1.15, after=0.5
        )
    size = max(15, round(width * source.uniform(0.03, 0.05)))
    if source.random() < 0.6 and (slogan := hand.paragraph((1, 1))):
        flow.put("paragraph", slogan, hand.body.at(size), align=align, after=1.0)
    values: dict[str, str] = {}
    makers = {"date": texts.date, "time": texts.time, "price": texts.price, "phone": texts.phone, "email": texts.email}
    for kind in source.sample(sorted(makers), source.randint(1, 4)):
        text = makers[kind](source, language)
        if covers(hand.body, text) and flow.put(
            kind, text, hand.body.at(round(size * source.uniform(1.0, 1.5))), align=align, after=0.4
        ):
            values[kind] = text
    return _finished(source, "poster", language, [flow], (width, height), margin, values=values)
