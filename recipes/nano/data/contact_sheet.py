"""Samples for people to look at: a grid of pictures with their questions and answers below.

[Sample, ...] -> one picture
"""

from __future__ import annotations

from collections.abc import Sequence

import PIL.Image
from PIL import ImageDraw, ImageFont
from recipes.nano.data.fonts import faces
from recipes.nano.data.layout_text import wrap
from recipes.nano.data.sample import Sample

CELL, GAP, TEXT_SIZE = 420, 12, 15
PICTURE_HEIGHT = 420
MAX_LINES = 34
_BACK, _HEAD, _ASKED, _ANSWERED = (236, 236, 240), (120, 120, 130), (20, 40, 130), (10, 90, 30)


def contact_sheet(samples: Sequence[Sample], *, columns: int = 4) -> PIL.Image.Image:
    """The sheet. A cell shows all pictures of its sample; long answers are cut with a mark. Raises MissingMaterial without a font."""
    font = _font()
    cells = [_cell(sample, font) for sample in samples]
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    heights = [max(cell.height for cell in row) for row in rows]
    width = GAP + min(columns, max(1, len(cells))) * (CELL + GAP)
    sheet = PIL.Image.new("RGB", (width, GAP + sum(height + GAP for height in heights)), _BACK)
    top = GAP
    for row, height in zip(rows, heights, strict=True):
        for number, cell in enumerate(row):
            sheet.paste(cell, (GAP + number * (CELL + GAP), top))
        top += height + GAP
    return sheet


def _cell(sample: Sample, font: ImageFont.FreeTypeFont) -> PIL.Image.Image:
    lines = [(line, _HEAD) for line in wrap(_headline(sample), font, CELL - 16)]
    for turn in sample.turns:
        for text, colour in ((f"? {turn.question}", _ASKED), (f"= {turn.answer}", _ANSWERED)):
            lines += [(line, colour) for line in wrap(text, font, CELL - 16)]
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], (f"... {len(lines) - MAX_LINES} more lines", _HEAD)]
    picture = _pictures(sample.images)
    step = TEXT_SIZE + 5
    cell = PIL.Image.new("RGB", (CELL, picture.height + 12 + step * len(lines)), "white")
    cell.paste(picture, (0, 0))
    draw = ImageDraw.Draw(cell)
    for number, (line, colour) in enumerate(lines):
        draw.text((8, picture.height + 6 + step * number), line, font=font, fill=colour)
    return cell


def _headline(sample: Sample) -> str:
    sizes = " ".join(f"{image.width}x{image.height}" for image in sample.images[:4])
    return f"{sample.family} / {sample.task} / {sample.language} {sizes}"


def _pictures(images: Sequence[PIL.Image.Image]) -> PIL.Image.Image:
    """All pictures of a sample side by side, shrunk to the cell."""
    if not images:
        return PIL.Image.new("RGB", (CELL, 1), "white")
    across = 1 if len(images) == 1 else 2 if len(images) <= 4 else 4
    side = CELL // across
    small = [_shrunk(image, side, PICTURE_HEIGHT // across) for image in images]
    down = -(-len(small) // across)
    height = max(image.height for image in small) + 4
    sheet = PIL.Image.new("RGB", (CELL, height * down), (200, 200, 208))
    for number, image in enumerate(small):
        left = side * (number % across) + (side - image.width) // 2
        sheet.paste(image, (left, height * (number // across)))
    return sheet


def _shrunk(image: PIL.Image.Image, width: int, height: int) -> PIL.Image.Image:
    scale = min(width / image.width, height / image.height, 1.0)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.convert("RGB").resize(size, PIL.Image.Resampling.LANCZOS)


def _font() -> ImageFont.FreeTypeFont:
    return faces("zh", "train")[0].at(TEXT_SIZE)
