"""Coloured shapes with names: (shape, colour, size) -> RGBA picture, cropped to its ink.

A square stays upright enough not to be taken for a diamond, an oval is clearly no circle.
"""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw
from recipes.nano.data.colours import COLOURS, jittered
from recipes.nano.data.names import Name

Points = list[tuple[float, float]]

SHAPES: dict[str, str] = {
    "circle": "圆形",
    "square": "正方形",
    "triangle": "三角形",
    "rectangle": "长方形",
    "star": "五角星",
    "heart": "心形",
    "diamond": "菱形",
    "pentagon": "五边形",
    "hexagon": "六边形",
    "oval": "椭圆形",
    "cross": "十字形",
    "ring": "圆环",
}
_OVERSAMPLED = 3


def shape_name(shape: str, colour: str) -> Name:
    """`red circle`, `红色圆形`."""
    return Name(f"{colour} {shape}", f"{COLOURS[colour].zh}{SHAPES[shape]}", "shape", exact=True)


def shape_picture(source: random.Random, shape: str, colour: str, side: int) -> Image.Image:
    """RGBA, about `side` px on its longer side."""
    big = side * _OVERSAMPLED
    picture = Image.new("RGBA", (big, big), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    fill = (*jittered(COLOURS[colour], source), 255)
    line = big // 40 if source.random() < 0.3 else 0
    edge = (40, 40, 44, 255) if colour not in {"black", "brown"} else (235, 235, 235, 255)
    if shape in {"circle", "oval"}:
        squeeze = source.uniform(0.5, 0.68) if shape == "oval" else 1.0
        half = (big / 2 - 2) * squeeze
        draw.ellipse((2, big / 2 - half, big - 2, big / 2 + half), fill=fill, outline=edge if line else None, width=line)
    elif shape == "ring":
        draw.ellipse((2, 2, big - 2, big - 2), outline=fill, width=round(big * source.uniform(0.16, 0.24)))
    else:
        points = _turned(_OUTLINES[shape](source), source.uniform(-10, 10) if shape != "rectangle" else source.choice((0, 0, 90)), big)
        draw.polygon(points, fill=fill)
        if line:
            draw.line([*points, points[0], points[1]], fill=edge, width=line, joint="curve")
    picture = picture.crop(picture.getbbox())
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _turned(points: Points, degrees: float, big: int) -> Points:
    """From -1..1 to pixels, turned about the middle."""
    angle, half = math.radians(degrees), big / 2
    cos, sin = math.cos(angle) * half * 0.84, math.sin(angle) * half * 0.84
    return [(half + x * cos - y * sin, half + x * sin + y * cos) for x, y in points]


def _regular(corners: int) -> Points:
    return [(math.sin(2 * math.pi * k / corners), -math.cos(2 * math.pi * k / corners)) for k in range(corners)]


def _star(_: random.Random) -> Points:
    return [((1 if k % 2 == 0 else 0.42) * x, (1 if k % 2 == 0 else 0.42) * y) for k, (x, y) in enumerate(_regular(10))]


def _heart(_: random.Random) -> Points:
    turns = [2 * math.pi * k / 80 for k in range(80)]
    wave = ((13, 1), (-5, 2), (-2, 3), (-1, 4))
    return [(math.sin(t) ** 3, -(sum(part * math.cos(times * t) for part, times in wave) + 2.5) / 16) for t in turns]


def _cross(_: random.Random) -> Points:
    arm = 0.32
    return [
        (-arm, -1), (arm, -1), (arm, -arm), (1, -arm), (1, arm), (arm, arm),
        (arm, 1), (-arm, 1), (-arm, arm), (-1, arm), (-1, -arm), (-arm, -arm),
    ]  # fmt: skip


def _rectangle(source: random.Random) -> Points:
    half = source.uniform(0.4, 0.6)
    return [(-1, -half), (1, -half), (1, half), (-1, half)]


_OUTLINES = {
    "square": lambda _: [(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)],
    "triangle": lambda _: _regular(3),
    "rectangle": _rectangle,
    "star": _star,
    "heart": _heart,
    "diamond": lambda source: [(0, -1), (source.uniform(0.55, 0.7), 0), (0, 1), (-source.uniform(0.55, 0.7), 0)],
    "pentagon": lambda _: _regular(5),
    "hexagon": lambda _: _regular(6),
    "cross": _cross,
}
