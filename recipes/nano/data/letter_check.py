"""Whether a face draws letters as they are: every letter has ink, no two look the same that must not, small letters are not capitals.

font file -> pictures of single letters, cropped and brought to one size -> True or False
"""

from __future__ import annotations

import string
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

SIZE, SIDE = 48, 20
# Small letters whose shape differs from the capital in every ordinary face, upright or written.
UNLIKE_CAPITALS = "abdeghnqrt"
LOOKS_SAME = 0.06  # mean difference of grey values, 0..1
# Hand-drawn capitals are drawn anew for the small letters, so they differ, but they are as tall.
TALLEST_SMALL = 0.88


def draws_letters(path: Path, index: int) -> bool:
    """False for fonts of symbols, of capitals only, with blank letters, and for files that FreeType can't open."""
    try:
        font = ImageFont.truetype(str(path), SIZE, index=index)
        shapes = {letter: _shape(font, letter) for letter in string.ascii_letters + string.digits}
    except OSError:
        return False
    if any(shape is None for shape in shapes.values()):
        return False
    if _height(font, "acemnorsuvxz") > TALLEST_SMALL * _height(font, "ACEMNORSUVXZ"):
        return False
    capitals = sum(_same(shapes[letter], shapes[letter.upper()]) for letter in UNLIKE_CAPITALS)
    return capitals <= 1 and not any(
        _same(shapes[one], shapes[other]) for one, other in ("17", "38", "25", "69", "ae", "AB", "bd", "hn")
    )


def _height(font: ImageFont.FreeTypeFont, letters: str) -> float:
    boxes = [font.getbbox(letter) for letter in letters]
    return median(box[3] - box[1] for box in boxes)


def _shape(font: ImageFont.FreeTypeFont, letter: str) -> npt.NDArray[np.float32] | None:
    """The letter's ink alone, SIDE x SIDE, or None where there is none."""
    picture = Image.new("L", (4 * SIZE, 4 * SIZE))
    ImageDraw.Draw(picture).text((SIZE, SIZE), letter, font=font, fill=255)
    box = picture.getbbox()
    if box is None:
        return None
    shape = picture.crop(box).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(shape, dtype=np.float32) / np.float32(255)


def _same(one: npt.NDArray[np.float32] | None, other: npt.NDArray[np.float32] | None) -> bool:
    return one is not None and other is not None and float(np.abs(one - other).mean()) < LOOKS_SAME
