"""Formulas drawn by matplotlib's mathtext; matrices and cases, which it lacks, are set from cells with brackets drawn around them.

Formula -> [piece -> grey picture with a baseline] -> draw(formula, look) -> one grey picture, ink 255
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import PIL.Image
from PIL import Image, ImageDraw
from recipes.nano.data.formula_grammar import Block, Formula
from recipes.nano.data.sample import MissingMaterial

DPI = 72  # a point is a pixel
FINER = 4  # brackets are drawn larger and scaled down, for smooth edges


@dataclass(frozen=True)
class Inked:
    """Ink as a grey picture (255 is full ink), and how much of it lies above the baseline."""

    picture: PIL.Image.Image
    above: int

    @property
    def below(self) -> int:
        """Pixels below the baseline."""
        return self.picture.height - self.above


def draw(formula: Formula, *, size_px: int, fonts: str) -> PIL.Image.Image:
    """The ink of a formula. fonts: one of mathtext's font sets. Raises MissingMaterial without matplotlib."""
    pieces = [_text(piece, size_px, fonts) if isinstance(piece, str) else _block(piece, size_px, fonts) for piece in formula.pieces]
    return _row(pieces, gap=round(0.3 * size_px)).picture


def _text(latex: str, size_px: int, fonts: str) -> Inked:
    try:
        from matplotlib.font_manager import FontProperties
        from matplotlib.mathtext import MathTextParser
    except ModuleNotFoundError as error:
        raise MissingMaterial("formulas need matplotlib: pip install 'internvl[plot]'") from error
    parser: Any = MathTextParser("agg")
    parsed = parser.parse(f"${latex.strip()}$", DPI, FontProperties(size=size_px, math_fontfamily=fonts))
    picture = Image.fromarray(parsed.image)
    return Inked(picture, picture.height - round(parsed.depth))


def _row(pieces: list[Inked], gap: int) -> Inked:
    above, below = max(piece.above for piece in pieces), max(piece.below for piece in pieces)
    sheet = Image.new("L", (sum(piece.picture.width for piece in pieces) + gap * (len(pieces) - 1), above + below), 0)
    x = 0
    for piece in pieces:
        sheet.paste(piece.picture, (x, above - piece.above))
        x += piece.picture.width + gap
    return Inked(sheet, above)


def _block(block: Block, size_px: int, fonts: str) -> Inked:
    rows = [[_text(cell, size_px, fonts) for cell in row] for row in block.rows]
    widths = [max(row[k].picture.width for row in rows) for k in range(len(rows[0]))]
    gap_x, gap_y = round(0.9 * size_px), round(0.35 * size_px)
    lines = [(max(cell.above for cell in row), max(cell.below for cell in row)) for row in rows]
    height = sum(above + below for above, below in lines) + gap_y * (len(rows) - 1)
    margin = round(0.5 * size_px)
    sheet = Image.new("L", (sum(widths) + gap_x * (len(widths) - 1) + 2 * margin, height + 2), 0)
    y = 1
    for row, (above, below) in zip(rows, lines, strict=True):
        x = margin
        for cell, width in zip(row, widths, strict=True):
            indent = 0 if block.kind == "cases" else (width - cell.picture.width) // 2
            sheet.paste(cell.picture, (x + indent, y + above - cell.above))
            x += width + gap_x
        y += above + below + gap_y
    _brackets(sheet, block.kind, size_px)
    return Inked(sheet, height // 2 + round(0.25 * size_px))  # centred on the line of minus signs


def _brackets(sheet: PIL.Image.Image, kind: str, size_px: int) -> None:
    width, height = sheet.size
    canvas = Image.new("L", (width * FINER, height * FINER), 0)
    pen = ImageDraw.Draw(canvas)
    thick = max(FINER, round(0.055 * size_px * FINER))
    deep, tall, wide = round(0.3 * size_px * FINER), height * FINER - 1, width * FINER - 1
    if kind == "pmatrix":
        pen.arc((thick, -tall // 8, thick + 4 * deep, tall + tall // 8), 118, 242, fill=255, width=thick)
        pen.arc((wide - thick - 4 * deep, -tall // 8, wide - thick, tall + tall // 8), -62, 62, fill=255, width=thick)
    elif kind == "bmatrix":
        for x, way in ((thick, 1), (wide - thick, -1)):
            pen.line(
                [(x + way * deep // 2, thick // 2), (x, thick // 2), (x, tall - thick // 2), (x + way * deep // 2, tall - thick // 2)],
                255,
                thick,
            )
    elif kind == "vmatrix":
        for x in (thick + deep // 2, wide - thick - deep // 2):
            pen.line([(x, 0), (x, tall)], 255, thick)
    else:
        _brace(pen, deep, tall, thick)
    sheet.paste(255, (0, 0), canvas.resize(sheet.size, Image.Resampling.LANCZOS))


def _brace(pen: ImageDraw.ImageDraw, deep: int, tall: int, thick: int) -> None:
    """A left curly brace: two quarter turns above the point, two below."""
    half, middle = deep // 2, tall // 2
    x = thick + half
    turn = half * 2
    pen.arc((x, 0, x + turn, turn), 180, 270, fill=255, width=thick)
    pen.line([(x + thick // 2, half), (x + thick // 2, middle - half)], 255, thick)
    pen.arc((x - turn + thick, middle - turn, x + thick, middle), 0, 90, fill=255, width=thick)
    pen.arc((x - turn + thick, middle - thick, x + thick, middle - thick + turn), 270, 360, fill=255, width=thick)
    pen.line([(x + thick // 2, middle + half), (x + thick // 2, tall - half)], 255, thick)
    pen.arc((x, tall - turn, x + turn, tall), 90, 180, fill=255, width=thick)
