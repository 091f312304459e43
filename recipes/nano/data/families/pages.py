"""Whole sheets of text: articles, letters, notes, lists, signs, posters, printed or by hand.

(source, split) -> page_layouts.compose -> Sheet -> paper, inks, marks -> degraded -> questions about its parts
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from itertools import takewhile

from PIL import Image, ImageDraw
from recipes.nano.data.backgrounds import Colour, Ground, ground, least_contrast, readable_ink, texture
from recipes.nano.data.degrade import Warp, degrade_with_map
from recipes.nano.data.families import questions_reading as asking
from recipes.nano.data.families.page_layouts import KINDS, Sheet, compose
from recipes.nano.data.families.phrases_reading import REFUSALS, phrase
from recipes.nano.data.layout_text import draw_lines, thousandths
from recipes.nano.data.sample import Language, Sample, Split

KIND_WEIGHTS = (0.36, 0.14, 0.14, 0.14, 0.1, 0.12)
# Longer pages are read in parts: an answer must stay within what a small model is trained to say at once.
LONGEST_READING: dict[Language, int] = {"en": 600, "zh": 260}
MOST_NUMBERED_LINES = 12
GROUNDS: tuple[Ground, ...] = ("plain", "plain", "gradient", "texture", "photo")


class Pages:
    """The family of pages."""

    name = "pages"

    def sample(self, source: random.Random, split: Split) -> Sample:
        """One page with one to four questions; one where scores are counted. Raises MissingMaterial."""
        text_language: Language = source.choice(("en", "zh"))
        sheet = compose(source, split, source.choices(KINDS, KIND_WEIGHTS)[0], text_language)
        image, warp = _paint(source, split, sheet)
        running = "\n".join(block.printed for block in sheet.blocks)
        shown = asking.Shown(image.size, sheet.lines, text_language, split, warp, sheet.values, running)
        language = text_language if source.random() < 0.85 else source.choice(("en", "zh"))
        count = source.choice((1, 2, 3, 4)) if split == "train" else 1
        asked = asking.ask(source, shown, language, _tasks(sheet, running), count)
        blocks = [
            {"role": block.role, "text": block.text, "box": thousandths(warp.box(block.box), image.size)} for block in sheet.blocks
        ]
        facts = {"kind": sheet.kind, "text_px": sheet.text_px, "blocks": blocks, "columns": sheet.columns}
        return asking.as_sample(self.name, image, shown, language, asked or [_fallback(source, shown, language)], facts)


def _tasks(sheet: Sheet, running: str) -> list[tuple[float, asking.Asker]]:
    """What can be asked about a sheet, with weights."""
    tasks: list[tuple[float, asking.Asker]] = [
        *((0.1, asking.where), (0.07, asking.read_box), (0.07, asking.continue_after), (0.06, asking.present), (0.25, asking.value)),
        *((weight, partial(asker, sheet)) for weight, asker in PARTS),
    ]
    if len(running) <= LONGEST_READING[sheet.language]:
        tasks.append((0.3, asking.read))
    if len(sheet.lines) <= MOST_NUMBERED_LINES and sheet.columns == 1:
        tasks += [(0.1, asking.read_line), (0.06, asking.count_lines)]
    if sheet.kind in ("note", "sign", "letter"):
        tasks.append((0.03, asking.first_word))
    return tasks


def _fallback(source: random.Random, shown: asking.Shown, language: Language) -> asking.Asked:
    """The first line, should nothing else fit."""
    return asking.Asked("read_line", phrase(source, "read_line", language, n=1), shown.lines[0].text)


def _title(sheet: Sheet, source: random.Random, shown: asking.Shown, language: Language) -> asking.Asked | None:
    found = sheet.having("title")
    return asking.Asked("title", phrase(source, "title", language), found[0].text) if found else None


def _paragraph(sheet: Sheet, source: random.Random, shown: asking.Shown, language: Language) -> asking.Asked | None:
    """One paragraph by number, where they can be counted: in one column."""
    found = sheet.having("paragraph")
    if sheet.kind != "article" or sheet.columns != 1 or not found:
        return None
    n = source.randrange(len(found))
    if len(found[n].text) > LONGEST_READING[sheet.language]:
        return None
    return asking.Asked("paragraph", phrase(source, "paragraph", language, n=n + 1), found[n].text)


def _section(sheet: Sheet, source: random.Random, shown: asking.Shown, language: Language) -> asking.Asked | None:
    """What stands under a heading, up to the next."""
    headings = [index for index, block in enumerate(sheet.blocks) if block.role == "heading" and shown.once(block.text)]
    if sheet.columns != 1 or not headings:
        return None
    start = source.choice(headings)
    below = [block.text for block in takewhile(lambda block: block.role == "paragraph", sheet.blocks[start + 1 :])]
    answer = "\n".join(below)
    if not answer or len(answer) > LONGEST_READING[sheet.language] or '"' in sheet.blocks[start].text:
        return None
    return asking.Asked("under_heading", phrase(source, "under_heading", language, text=sheet.blocks[start].text), answer)


def _headings(sheet: Sheet, source: random.Random, shown: asking.Shown, language: Language) -> asking.Asked | None:
    found = [block.text for block in sheet.having("heading")]
    if not found:
        return None
    if source.random() < 0.4:
        return asking.Asked("count_headings", phrase(source, "count_headings", language), str(len(found)))
    return asking.Asked("headings", phrase(source, "headings", language), "\n".join(found))


def _items(sheet: Sheet, source: random.Random, shown: asking.Shown, language: Language) -> asking.Asked | None:
    found = [block.text for block in sheet.having("item")]
    if not found:
        return None
    task = source.choices(("item", "count_items", "items"), (0.5, 0.25, 0.25))[0]
    n = source.randrange(len(found))
    answer = {"item": found[n], "count_items": str(len(found)), "items": "\n".join(found)}[task]
    return asking.Asked(task, phrase(source, task, language, n=n + 1), answer) if len(answer) <= LONGEST_READING["en"] else None


def _columns(sheet: Sheet, source: random.Random, shown: asking.Shown, language: Language) -> asking.Asked | None:
    if sheet.kind != "article" or not sheet.having("paragraph"):
        return None
    return asking.Asked("columns", phrase(source, "columns", language), str(sheet.columns))


def _block_in_box(sheet: Sheet, source: random.Random, shown: asking.Shown, language: Language) -> asking.Asked | None:
    """What stands in a box around a whole block."""
    block = source.choice(sheet.blocks)
    if len(block.printed) > LONGEST_READING[sheet.language]:
        return None
    mark = shown.mark(block.box)
    return asking.Asked("read_box", phrase(source, "read_box", language, box=mark), block.printed, mark)


def _not_there(sheet: Sheet, source: random.Random, shown: asking.Shown, language: Language) -> asking.Asked | None:
    """A question about a part that the sheet does not have, or about words that are not on it."""
    parts = {"title": ("title", "heading"), "item": ("item",), "paragraph": ("paragraph",)}
    missing = [task for task in ("page_number", "sender") if task not in sheet.values]
    missing += [task for task in ("title", "item") if not any(sheet.having(role) for role in parts[task])]
    # A sign's largest words might pass for its title, a note's lines for items.
    missing = [task for task in missing if sheet.kind in ("article", "letter", "list") or task == "page_number"]
    if sheet.columns != 1 or not missing or source.random() < 0.5:
        return asking.not_there(source, shown, language)
    task = source.choice(missing)
    n = source.randint(1, 4)
    return asking.Asked("absent", phrase(source, task, language, n=n), REFUSALS[language])


PARTS: tuple[tuple[float, Callable[[Sheet, random.Random, asking.Shown, Language], asking.Asked | None]], ...] = (
    (0.08, _not_there),
    (0.06, _block_in_box),
    (0.12, _title),
    (0.12, _paragraph),
    (0.2, _section),
    (0.12, _headings),
    (0.4, _items),
    (0.04, _columns),
)


def _paint(source: random.Random, split: Split, sheet: Sheet) -> tuple[Image.Image, Warp]:
    """The sheet on its paper, then photographed, and the way that its points went."""
    picture, ink = readable_ink(source, _paper(source, split, sheet), contrast=least_contrast(sheet.text_px))
    accent = readable_ink(source, picture, contrast=3.0)[1] if source.random() < 0.35 else ink
    if sheet.kind == "note" and source.random() < 0.4:
        _rule(picture, sheet, ink)
    draw = ImageDraw.Draw(picture)
    for block in sheet.blocks:
        draw_lines(draw, block.lines, accent if block.role in ("title", "heading", "price") else ink)
    _draw_marks(draw, sheet, ink)
    if sheet.kind in ("sign", "poster") and source.random() < 0.4:
        inset, width = source.randint(4, 12), source.randint(2, 6)
        draw.rounded_rectangle(
            (inset, inset, picture.width - inset, picture.height - inset), radius=source.choice((0, 8, 20)), outline=ink, width=width
        )
    hung = Warp.still(sheet.size)
    if sheet.kind == "sign" and source.random() < 0.5:
        hung = _hung(source, sheet.size)
        picture = hung.picture(picture, texture(source, sheet.size, split))
    strength = source.uniform(0, 1) ** 1.5 * min(1.0, max(0.15, (sheet.text_px - 8) / 12))
    picture, moved = degrade_with_map(picture, source, strength=strength, text_px=sheet.text_px, split=split)
    return picture, hung.then(moved)


def _paper(source: random.Random, split: Split, sheet: Sheet) -> Image.Image:
    """White or tinted paper for what is printed, anything for signs and posters; a dark screen now and then."""
    kinds: tuple[Ground, ...] = ("plain", "plain", "plain", "texture") if sheet.kind in ("article", "letter", "list") else GROUNDS
    dark = source.random() < (0.12 if sheet.kind in ("article", "letter") else 0.3)
    if sheet.kind in ("article", "letter") and not dark and source.random() < 0.5:
        return Image.new("RGB", sheet.size, "white")
    return ground(source, sheet.size, split, kind=source.choice(kinds), dark=dark)


def _rule(picture: Image.Image, sheet: Sheet, ink: Colour) -> None:
    """Faint lines under the text, as on a writing pad."""
    faint = Image.blend(picture, Image.new("RGB", picture.size, ink), 0.2)
    lines = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(lines)
    for line in sheet.lines:
        below = line.baseline + round(0.22 * line.font.size)
        draw.line((0, below, picture.width, below), fill=255)
    picture.paste(faint, mask=lines)


def _draw_marks(draw: ImageDraw.ImageDraw, sheet: Sheet, ink: Colour) -> None:
    """Bullets and boxes to tick."""
    for shape, (x1, y1, x2, y2) in sheet.marks:
        middle = (y1 + y2) / 2
        if shape == "dash":
            draw.line((x1, middle, x2, middle), fill=ink, width=2)
        elif shape == "tick box":
            draw.rectangle((x1, y1, x2, y2), outline=ink, width=2)
        elif shape == "dot":
            draw.ellipse((x1 + 2, y1 + 2, x2 - 2, y2 - 2), fill=ink)
        else:
            draw.rectangle((x1 + 2, y1 + 2, x2 - 2, y2 - 2), fill=ink)


def _hung(source: random.Random, size: tuple[int, int]) -> Warp:
    """A plate on a wall: smaller than the picture and seen from a little aside."""
    width, height = size
    insets = [(source.uniform(0.05, 0.14) * width, source.uniform(0.05, 0.14) * height) for _ in range(4)]
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = insets
    return Warp.onto(size, ((x1, y1), (width - x2, y2), (width - x3, height - y3), (x4, height - y4)))
