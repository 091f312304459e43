"""Chooses a layout and looks for a paper, draws it, and lets life happen to the picture.

(Paper, split) -> Drawn(image, boxes, layout)        a drawing with text over text or outside of the paper is done again, larger
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import PIL.Image
from recipes.nano.data.degrade import degrade_with_boxes
from recipes.nano.data.families import receipts_cards as cards
from recipes.nano.data.families import receipts_layouts as layouts
from recipes.nano.data.families.receipts_documents import Paper
from recipes.nano.data.families.receipts_sheet import Colour, Sheet, Style
from recipes.nano.data.fonts import face
from recipes.nano.data.layout_text import Box
from recipes.nano.data.sample import Split

Draw: TypeAlias = Callable[[Sheet, Paper], None]


@dataclass(frozen=True)
class Layout:
    """A way to lay out papers of a shape. size: width and height at 20 px text; no height: as long as its text."""

    name: str
    shape: str
    draw: Draw
    size: tuple[int, int | None]
    split: Split = "train"
    kinds: tuple[str, ...] = ()

    def fits(self, paper: Paper) -> bool:
        """Whether the paper can be laid out so."""
        return self.shape == paper.shape and (not self.kinds or paper.kind in self.kinds)


@dataclass(frozen=True)
class Drawn:
    """A picture with the boxes of what is written on it, in px."""

    image: PIL.Image.Image
    boxes: dict[str, Box]
    layout: str


_WITH_PHOTO = ("identity", "staff", "student")
# A layout is whole in one split: what the test shows was never arranged so in training.
LAYOUTS = (
    Layout("till_lines", "strip", layouts.till_lines, (460, None)),
    Layout("till_narrow", "strip", layouts.till_lines, (370, None)),
    Layout("till_columns", "strip", layouts.till_columns, (560, None)),
    Layout("till_double", "strip", layouts.till_double, (440, None), "val"),
    Layout("till_boxed", "strip", layouts.till_boxed, (480, None), "test"),
    Layout("page_grid", "page", layouts.page_grid, (900, None)),
    Layout("page_band", "page", layouts.page_band, (920, None)),
    Layout("page_form", "page", layouts.page_form, (860, None)),
    Layout("page_plain", "page", layouts.page_plain, (820, None), "val"),
    Layout("page_side", "page", layouts.page_side, (960, None), "test"),
    Layout("ticket_stub", "ticket", cards.ticket_stub, (860, 360)),
    Layout("ticket_route", "ticket", cards.ticket_route, (780, 400)),
    Layout("ticket_list", "ticket", cards.ticket_list, (860, 300)),
    Layout("ticket_table", "ticket", cards.ticket_table, (640, 460), "val"),
    Layout("ticket_tall", "ticket", cards.ticket_tall, (400, 860), "test"),
    Layout("card_photo_left", "card", cards.card_photo_left, (680, 420), kinds=_WITH_PHOTO),
    Layout("card_portrait", "card", cards.card_portrait, (440, 660), kinds=_WITH_PHOTO),
    Layout("card_centre", "card", cards.card_centre, (640, 380)),
    Layout("card_lines", "card", cards.card_lines, (640, 380)),
    Layout("card_photo_right", "card", cards.card_photo_right, (680, 420), "test", _WITH_PHOTO),
    Layout("card_split", "card", cards.card_split, (700, 400), "test"),
    Layout("card_lines_tall", "card", cards.card_lines, (480, 560), "val"),
    Layout("label_sections", "label", cards.label_sections, (540, 680)),
    Layout("label_big", "label", cards.label_big, (560, 420)),
    Layout("label_list", "label", cards.label_list, (520, 400)),
    Layout("label_strip", "label", cards.label_big, (720, 380), "val"),
    Layout("label_table", "label", cards.label_table, (580, 440), "test"),
)
_ACCENTS: tuple[Colour, ...] = (
    *((28, 78, 140), (150, 30, 40), (24, 110, 80), (90, 50, 130), (40, 40, 48), (180, 90, 10), (0, 105, 120), (120, 20, 90)),
    *((60, 90, 30), (15, 60, 90), (140, 70, 40), (70, 70, 160)),
)
_PAPERS: tuple[Colour, ...] = (
    (255, 255, 255),
    (255, 255, 255),
    (250, 248, 240),
    (244, 247, 250),
    (255, 250, 225),
    (240, 248, 240),
    (250, 238, 238),
)
_TRIES = 6
LONGEST_SIDE = 1600


def draw_paper(paper: Paper, source: random.Random, split: Split) -> Drawn:
    """The paper in a layout of the split."""
    layout = source.choice([each for each in LAYOUTS if each.split == split and each.fits(paper)])
    style = _style(paper, source, split)
    seed = source.random()
    for number in range(_TRIES):
        # The same numbers again, on more paper: only the room changes.
        sheet = _sheet(layout, style, random.Random(seed), 1 + 0.14 * number, (LONGEST_SIDE / 1700) ** number)
        layout.draw(sheet, paper)
        if paper.shape == "page":
            # Sheets of paper are often half empty.
            sheet.y = max(sheet.y, sheet.width * random.Random(seed).choice((0, 0, 1.0, 1.3)))
        image = sheet.finished()
        if faults(sheet, image) or max(image.size) > LONGEST_SIDE:
            continue
        image, boxes = _lived(image, sheet.boxes, source, sheet.smallest, split)
        return Drawn(image, boxes, layout.name)
    raise ValueError(f"layout {layout.name} has no room for this {paper.kind}: {faults(sheet, image)[:3] or image.size}")


def faults(sheet: Sheet, image: PIL.Image.Image) -> list[str]:
    """Texts that lie outside of the picture or over each other."""
    found = [text for text, (x1, y1, x2, y2) in sheet.placed if x1 < 0 or y1 < 0 or x2 > image.width or y2 > image.height]
    for number, (text, box) in enumerate(sheet.placed):
        found += [f"{text} / {other}" for other, beside in sheet.placed[number + 1 :] if _overlap(box, beside)]
    return found


def _overlap(first: Box, second: Box) -> bool:
    across = min(first[2], second[2]) - max(first[0], second[0])
    down = min(first[3], second[3]) - max(first[1], second[1])
    return across > 1 and down > 2


def _sheet(layout: Layout, style: Style, source: random.Random, more: float, less: float) -> Sheet:
    scale = style.size / 20
    width = round(layout.size[0] * scale * (1 if layout.size[1] is None else more**0.5))
    height = None if layout.size[1] is None else round(layout.size[1] * scale * more)
    return Sheet(min(width, LONGEST_SIDE), height, replace(style, size=max(12, round(style.size * less))), source)


def _style(paper: Paper, source: random.Random, split: Split) -> Style:
    mono = paper.shape == "strip" and paper.language == "en" and source.random() < 0.6
    text = "".join(each.label + each.value for each in paper.all_fields()) + "".join(item.name for item in paper.items) + paper.title
    plain = face(source, paper.language, split, style="mono" if mono else "print", text=text)
    title = plain if source.random() < 0.6 else face(source, paper.language, split, style="print", text=text)
    grey = source.randrange(0, 60)
    faint = source.randrange(60, 125)
    return Style(
        face=plain,
        title_face=title,
        size=source.randint(16, 26) if paper.shape != "page" else source.randint(15, 22),
        ink=(grey, grey, source.randrange(grey, grey + 40)),
        faint=(faint, faint, faint),
        accent=source.choice(_ACCENTS),
        paper=source.choice(_PAPERS),
        colon=source.choice(("：", "：", " ", ":") if paper.language == "zh" else (":", ":", "", " -")),
        spacing=source.uniform(1.22, 1.5),
        rule=source.choice(("line", "dash", "dots", "double")),
    )


def _lived(
    image: PIL.Image.Image, boxes: dict[str, Box], source: random.Random, text_px: float, split: Split
) -> tuple[PIL.Image.Image, dict[str, Box]]:
    """Half of the pictures stay clean; small papers may lie on a table."""
    if source.random() < 0.3:
        image, boxes = _on_table(image, boxes, source)
    if source.random() < 0.5:
        return image, boxes
    names = list(boxes)
    image, moved = degrade_with_boxes(
        image, [boxes[name] for name in names], source, source.uniform(0.1, 0.7), text_px=text_px, split=split
    )
    return image, dict(zip(names, moved, strict=True))


def _on_table(image: PIL.Image.Image, boxes: dict[str, Box], source: random.Random) -> tuple[PIL.Image.Image, dict[str, Box]]:
    """The paper on a larger plain ground."""
    left, right, top, bottom = (
        round(side * source.uniform(0.02, 0.2)) for side in (image.width, image.width, image.height, image.height)
    )
    width, height = image.width + left + right, image.height + top + bottom
    if max(width, height) > LONGEST_SIDE:
        return image, boxes
    shade = source.randrange(40, 215)
    ground = (shade, max(0, min(255, shade + source.randint(-25, 10))), max(0, min(255, shade + source.randint(-50, 10))))
    table = PIL.Image.new("RGB", (width, height), ground)
    table.paste(image, (left, top))
    return table, {name: (x1 + left, y1 + top, x2 + left, y2 + top) for name, (x1, y1, x2, y2) in boxes.items()}
