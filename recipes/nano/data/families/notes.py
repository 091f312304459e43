"""One to six short lines on a picture of one tile (two at times): what a language model learns to read its encoder with.

(source, split) -> texts -> one face -> the largest size that fits, or a smaller one -> ground, ink -> light damage -> questions
"""

from __future__ import annotations

import random

from PIL import Image, ImageDraw
from recipes.nano.data.backgrounds import ground, readable_ink
from recipes.nano.data.degrade import Warp, finish
from recipes.nano.data.families import questions_reading as asking
from recipes.nano.data.families.line_pictures import TEXTS_TO_TRY, line_text, readable_face
from recipes.nano.data.fonts import Face
from recipes.nano.data.layout_text import Align, Line, around, draw_lines, place, wrap
from recipes.nano.data.sample import Language, MissingMaterial, Sample, Split

SIDE = 224
SHAPES = (((SIDE, SIDE), 0.7), ((2 * SIDE, SIDE), 0.2), ((SIDE, 2 * SIDE), 0.1))
SMALLEST, LARGEST = 13, 56
TASKS: tuple[tuple[float, asking.Asker], ...] = (
    (1.6, asking.read),
    (0.25, asking.read_line),
    (0.10, asking.where),
    (0.08, asking.read_box),
    (0.06, asking.first_word),
    (0.06, asking.last_word),
    (0.05, asking.count_lines),
    (0.08, asking.present),
)


class Notes:
    """The family of notes."""

    name = "notes"

    def sample(self, source: random.Random, split: Split) -> Sample:
        """One picture with one or two questions. Raises MissingMaterial."""
        size = source.choices([shape for shape, _ in SHAPES], [share for _, share in SHAPES])[0]
        written: Language = source.choice(("en", "zh"))
        lines, text_px = _set(source, split, written, size)
        picture, ink = readable_ink(source, ground(source, size, split))
        mask = Image.new("L", size, 0)
        draw_lines(ImageDraw.Draw(mask), lines, 255)
        picture.paste(ink, mask=mask)
        if source.random() < 0.4:
            strength = source.random() * min(1.0, max(0.15, (text_px - 8) / 12))
            picture = finish(picture, source, strength=strength, text_px=text_px)
        language = written if source.random() < 0.85 else source.choice(("en", "zh"))
        shown = asking.Shown(size, lines, written, split, Warp.still(size))
        count = source.choice((1, 1, 2)) if split == "train" else 1
        asked = asking.ask(source, shown, language, TASKS, count)
        return asking.as_sample(self.name, picture, shown, language, asked, {"kind": "note", "text_px": text_px})


def _set(source: random.Random, split: Split, language: Language, size: tuple[int, int]) -> tuple[list[Line], float]:
    """Lines placed on the picture, as large as they fit or smaller; and their size."""
    count = source.choice((1, 1, 1, 2, 2, 3, 4, 5))
    rows, face = _rows_and_face(source, split, language, count)
    spacing, align = source.uniform(1.15, 1.7), _align(source)
    room = size[0] - source.uniform(8, 30), size[1] - source.uniform(8, 30)
    text_px = source.uniform(SMALLEST, LARGEST) if source.random() < 0.7 else LARGEST
    while True:
        font = face.at(round(text_px))
        texts = [line for row in rows for line in wrap(row, font, room[0])]
        lines = place(texts, font, left=0, top=0, width=room[0], align=align, spacing=spacing)
        x1, y1, x2, y2 = around([line.box for line in lines])
        if (x2 - x1 <= room[0] and y2 - y1 <= room[1]) or text_px <= SMALLEST:
            break
        text_px = max(SMALLEST, 0.85 * text_px)
    lines = [line for line in lines if line.box[3] - y1 <= room[1]] or lines[:1]
    x1, y1, x2, y2 = around([line.box for line in lines])
    left, top = source.uniform(3, max(3, size[0] - 3 - (x2 - x1))), source.uniform(3, max(3, size[1] - 3 - (y2 - y1)))
    return [_moved(line, round(left - x1), round(top - y1)) for line in lines], text_px


def _rows_and_face(source: random.Random, split: Split, language: Language, count: int) -> tuple[list[str], Face]:
    for _ in range(TEXTS_TO_TRY):
        rows = [line_text(source, language, split) for _ in range(count)]
        if found := readable_face(source, language, split, "".join(rows)):
            return rows, found
    raise MissingMaterial(
        f"no face of the {split} split has all characters of {rows}: python -m recipes.nano.data.materials --use fonts"
    )


def _align(source: random.Random) -> Align:
    return source.choice(("left", "left", "center", "right"))


def _moved(line: Line, x: float, y: float) -> Line:
    x1, y1, x2, y2 = line.box
    runs = tuple((begin, start + x) for begin, start in line.runs)
    return Line(line.text, line.font, line.baseline + y, runs, (x1 + x, y1 + y, x2 + x, y2 + y))
