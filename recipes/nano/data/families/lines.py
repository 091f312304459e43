"""One to three lines of text on any ground: words, sentences, prices, dates, codes; 9 to 64 px high, turned up to 8 degrees.

(source, split) -> rows of text -> faces and sizes -> lines placed on a canvas -> ground, panel, ink -> turned, degraded -> questions
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw
from recipes.nano.data import texts
from recipes.nano.data.backgrounds import colour, ground, least_contrast, readable_ink
from recipes.nano.data.degrade import Warp, degrade_with_map
from recipes.nano.data.families import questions_reading as asking
from recipes.nano.data.families.line_pictures import TEXTS_TO_TRY, line_picture, readable_face
from recipes.nano.data.fonts import Face
from recipes.nano.data.layout_text import Align, Box, Line, around, draw_lines, place, wrap
from recipes.nano.data.sample import Language, MissingMaterial, Sample, Split

__all__ = ["Lines", "line_picture"]

SMALLEST_SIDE, LARGEST_SIDE = 224, 1600
WIDEST_TEXT = 1300
Generator = Callable[[random.Random, Language], str]
VALUES: dict[str, Generator] = {
    "number": texts.number,
    "price": texts.price,
    "date": texts.date,
    "time": texts.time,
    "code": texts.code,
    "phone": texts.phone,
    "email": texts.email,
}
LABELS: dict[str, dict[Language, tuple[str, ...]]] = {
    "number": {"en": ("No.", "Number", "Result", "Score"), "zh": ("数量", "号码", "得分", "结果")},
    "price": {"en": ("Price", "Total", "Only", "Now", "Amount due"), "zh": ("价格", "合计", "仅售", "现价", "总价")},
    "date": {"en": ("Date", "Issued", "Valid until", "On"), "zh": ("日期", "签发日期", "有效期至", "时间")},
    "time": {"en": ("Time", "Starts at", "Departure", "Open from"), "zh": ("时间", "开始", "出发", "营业")},
    "code": {"en": ("Code", "Ref.", "Serial", "Order"), "zh": ("编号", "代码", "序列号", "订单")},
    "phone": {"en": ("Tel.", "Phone", "Call", "Mobile"), "zh": ("电话", "手机", "联系电话", "热线")},
    "email": {"en": ("Email", "E-mail", "Contact", "Mail"), "zh": ("邮箱", "电子邮件", "联系", "邮件")},
}
TASKS: tuple[tuple[float, asking.Asker], ...] = (
    (0.40, asking.read),
    (0.10, asking.read_line),
    (0.10, asking.where),
    (0.09, asking.read_box),
    (0.04, asking.first_word),
    (0.04, asking.last_word),
    (0.05, asking.count_lines),
    (0.45, asking.value),
    (0.05, asking.continue_after),
    (0.08, asking.present),
    (0.08, asking.not_there),
)


@dataclass(frozen=True)
class Rows:
    """What is written, row by row; values: kind -> text, each the only one of its kind."""

    language: Language
    kind: str
    rows: tuple[str, ...]
    values: dict[str, str]


class Lines:
    """The family of single lines."""

    name = "lines"

    def sample(self, source: random.Random, split: Split) -> Sample:
        """One picture with one to three questions; one where scores are counted. Raises MissingMaterial."""
        rows, face = _rows_and_face(source, split)
        lines, text_px = _set(source, split, rows, face)
        image, shown = _paint(source, split, rows, lines, text_px)
        language = rows.language if source.random() < 0.85 else source.choice(("en", "zh"))
        count = source.choice((1, 1, 2, 3)) if split == "train" else 1
        asked = asking.ask(source, shown, language, TASKS, count)
        return asking.as_sample(self.name, image, shown, language, asked, {"kind": rows.kind, "text_px": text_px})


def _rows_and_face(source: random.Random, split: Split) -> tuple[Rows, Face]:
    """Something to write, and a face that has its characters."""
    for _ in range(TEXTS_TO_TRY):
        rows = _rows(source, split)
        if found := readable_face(source, rows.language, split, "".join(rows.rows)):
            return rows, found
    raise MissingMaterial(
        f"no face of the {split} split has all characters of {rows.rows}: python -m recipes.nano.data.materials --use fonts"
    )


def _rows(source: random.Random, split: Split) -> Rows:
    language: Language = source.choice(("en", "zh"))
    kind = source.choices(("value", "sentence", "words", "title", "mixed", "name", "poem"), (0.38, 0.27, 0.15, 0.06, 0.06, 0.05, 0.03))[
        0
    ]
    if kind == "value":
        return _value_rows(source, split, language)
    if kind == "sentence":
        return Rows(language, kind, (texts.sentence(source, language, split),), {})
    if kind == "words":
        count = source.choice((1, 1, 2, 3))
        gap = " " if language == "en" else source.choice((" ", ""))
        rows = tuple(_cased(source, gap.join(texts.words(source, language, split, source.randint(1, 4)))) for _ in range(count))
        return Rows(language, kind, rows, {})
    if kind == "title":
        return Rows(language, kind, (_cased(source, texts.title(source, language, split)),), {})
    if kind == "name":
        makers: list[Generator] = source.sample([texts.person, texts.company, texts.address], source.randint(1, 3))
        return Rows(language, kind, tuple(make(source, language) for make in makers), {})
    return Rows("zh", kind, (texts.mixed(source, split) if kind == "mixed" else texts.poem(source, split),), {})


def _value_rows(source: random.Random, split: Split, language: Language) -> Rows:
    """One or two values, with or without what they are called; sometimes words before them."""
    first = source.choice(sorted(VALUES))
    # A bare number is only "the number" when no other digits stand beside it.
    others = [] if first == "number" else source.sample([kind for kind in sorted(VALUES) if kind not in (first, "number")], 1)
    kinds = [first, *others] if source.random() < 0.3 else [first]
    values = {kind: VALUES[kind](source, language) for kind in kinds}
    rows = [_labelled(source, kind, text, language) for kind, text in values.items()]
    head = " ".join(texts.words(source, language, split, source.randint(1, 3)))
    if source.random() < 0.3 and not any(character.isdecimal() for character in head):
        rows.insert(0, head)
    return Rows(language, first, tuple(rows), values)


def _labelled(source: random.Random, kind: str, text: str, language: Language) -> str:
    if source.random() < 0.5:
        return text
    gap = source.choice((": ", " ", " ", " - ")) if language == "en" else source.choice(("：", ": ", " "))
    return f"{source.choice(LABELS[kind][language])}{gap}{text}"


def _cased(source: random.Random, text: str) -> str:
    return source.choice((text, text, text.upper(), text.title(), text[:1].upper() + text[1:]))


def _set(source: random.Random, split: Split, rows: Rows, face: Face) -> tuple[list[Line], float]:
    """Lines placed from (0, 0) on, three at most, in one face and size or several; and the size of the smallest."""
    width = source.uniform(300, WIDEST_TEXT) if rows.kind == "sentence" else WIDEST_TEXT
    align: Align = source.choice(("left", "left", "center", "right"))
    spacing = source.uniform(1.15, 1.9)
    size, several = _size(source, rows.language), source.random() < 0.3
    lines: list[Line] = []
    sizes: list[float] = []
    top = 0.0
    for text in rows.rows:
        if several and lines:
            size, face = _size(source, rows.language), readable_face(source, rows.language, split, text) or face
        font = face.at(size)
        for line in wrap(text, font, width)[: 3 - len(lines)]:
            lines += place([line], font, left=0, top=top, width=width, align=align, spacing=spacing)
            sizes.append(size)
            top = max(lines[-1].box[3], lines[-1].baseline) + (spacing - 1) * size
    return lines, min(sizes)


def _size(source: random.Random, language: Language) -> int:
    """9 to 64 px, smaller ones more often; Chinese from 12 on, below which strokes run together."""
    smallest = 9 if language == "en" else 12
    return int(smallest * (64.9 / smallest) ** source.random())


def _paint(source: random.Random, split: Split, rows: Rows, lines: list[Line], text_px: float) -> tuple[Image.Image, asking.Shown]:
    """The picture, and where everything is on it."""
    size, lines = _on_canvas(source, lines)
    block = around([line.box for line in lines])
    turn = Warp.turned(size, _angle(source, block), ((block[0] + block[2]) / 2, (block[1] + block[3]) / 2))
    picture = ground(source, size, split)
    if source.random() < 0.2:
        picture = _panel(source, picture, block, turn, text_px)
    area = turn.box(block)
    picture, ink = readable_ink(source, picture, area=area, contrast=least_contrast(text_px))
    picture.paste(ink, mask=turn.picture(_mask(source, size, lines, block), 0))
    strength = source.uniform(0, 1) ** 1.5 * min(1.0, max(0.15, (text_px - 8) / 12))
    picture, moved = degrade_with_map(picture, source, strength=strength, text_px=text_px, split=split)
    return picture, asking.Shown(size, lines, rows.language, split, turn.then(moved), rows.values)


def _on_canvas(source: random.Random, lines: list[Line]) -> tuple[tuple[int, int], list[Line]]:
    """A canvas that the block, even turned, fits on, and the lines moved to a place on it."""
    x1, y1, x2, y2 = around([line.box for line in lines])
    width, height = x2 - x1, y2 - y1
    # Room for a turn of 8 degrees and for a frame around the text.
    need = width + 0.14 * height + 24, height + 0.14 * width + 24
    roomy = source.choice((1.0, 1.2, 1.6))
    size = tuple(round(min(LARGEST_SIDE, max(SMALLEST_SIDE, side * source.uniform(1, roomy)))) for side in need)
    left = source.uniform((need[0] - width) / 2, size[0] - (need[0] + width) / 2)
    top = source.uniform((need[1] - height) / 2, size[1] - (need[1] + height) / 2)
    return (size[0], size[1]), [_moved(line, round(left - x1), round(top - y1)) for line in lines]


def _moved(line: Line, x: float, y: float) -> Line:
    x1, y1, x2, y2 = line.box
    runs = tuple((begin, start + x) for begin, start in line.runs)
    return Line(line.text, line.font, line.baseline + y, runs, (x1 + x, y1 + y, x2 + x, y2 + y))


def _angle(source: random.Random, block: Box) -> float:
    return source.uniform(-8, 8) if source.random() < 0.35 else 0.0


def _panel(source: random.Random, picture: Image.Image, block: Box, turn: Warp, text_px: float) -> Image.Image:
    """A label, plate or bubble under the text."""
    margin = min(10.0, 0.4 * text_px + 2)
    shape = Image.new("L", picture.size, 0)
    edges = (block[0] - margin, block[1] - margin, block[2] + margin, block[3] + margin)
    ImageDraw.Draw(shape).rounded_rectangle(edges, radius=source.choice((0, 0, 6, 12)), fill=255)
    picture = picture.copy()
    picture.paste(colour(source, dark=source.random() < 0.3), mask=turn.picture(shape, 0))
    return picture


def _mask(source: random.Random, size: tuple[int, int], lines: list[Line], block: Box) -> Image.Image:
    """What the ink covers: the text, now and then underlined or framed."""
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    draw_lines(draw, lines, 255)
    extra = source.random()
    if extra < 0.08:
        line = source.choice(lines)
        below, thick = line.baseline + max(2, round(0.14 * line.font.size)), max(1, round(line.font.size / 16))
        draw.line((line.box[0], below, line.box[2], below), fill=255, width=thick)
    elif extra < 0.15:
        draw.rectangle((block[0] - 7, block[1] - 7, block[2] + 7, block[3] + 7), outline=255, width=source.randint(1, 3))
    return mask
