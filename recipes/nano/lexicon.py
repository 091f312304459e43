"""The words of the nano world in English and Chinese: colours, shapes, places, and what signs can say.

A sign's text is never both trained on and tested on: `is_held_out` splits all possible texts by a hash of their characters, so the
rule also covers made-up words and numbers, and nobody has to keep two lists apart by hand.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Name:
    """One thing with its English and its Chinese name; `plural` is the English plural."""

    en: str
    zh: str
    plural: str = ""


@dataclass(frozen=True)
class Colour:
    """A named colour and the sRGB value around which its shades are drawn."""

    name: Name
    rgb: tuple[int, int, int]


COLOURS = (
    Colour(Name("red", "红色"), (214, 36, 36)),
    Colour(Name("orange", "橙色"), (245, 138, 20)),
    Colour(Name("yellow", "黄色"), (246, 216, 32)),
    Colour(Name("green", "绿色"), (38, 155, 60)),
    Colour(Name("blue", "蓝色"), (34, 84, 210)),
    Colour(Name("purple", "紫色"), (128, 44, 168)),
    Colour(Name("pink", "粉色"), (250, 140, 190)),
    Colour(Name("black", "黑色"), (16, 16, 16)),
    Colour(Name("white", "白色"), (246, 246, 246)),
    Colour(Name("grey", "灰色"), (132, 132, 132)),
)

SHAPES = (
    Name("circle", "圆形", "circles"),
    Name("square", "正方形", "squares"),
    Name("triangle", "三角形", "triangles"),
    Name("star", "五角星", "stars"),
    Name("diamond", "菱形", "diamonds"),
    Name("cross", "十字形", "crosses"),
    Name("heart", "心形", "hearts"),
    Name("ring", "圆环", "rings"),
)

PLACES = (
    (Name("top left", "左上角"), Name("top", "上方"), Name("top right", "右上角")),
    (Name("left", "左边"), Name("centre", "中间"), Name("right", "右边")),
    (Name("bottom left", "左下角"), Name("bottom", "下方"), Name("bottom right", "右下角")),
)

WORDS_FOLDER = Path(__file__).parent / "words"
ENGLISH_WORDS = tuple((WORDS_FOLDER / "english.txt").read_text(encoding="utf-8").split())
CHINESE_WORDS = tuple((WORDS_FOLDER / "chinese.txt").read_text(encoding="utf-8").split())

MARKS = "-:.$%"
LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + MARKS
HANZI = "".join(sorted({character for word in CHINESE_WORDS for character in word}))
ALPHABET = LATIN + HANZI


def is_held_out(text: str) -> bool:
    """Whether a sign's text belongs to the test half of the world: one text in eight of two or more characters."""
    compact = text.casefold().replace(" ", "")
    return len(compact) > 1 and zlib.crc32(compact.encode()) % 8 == 0
