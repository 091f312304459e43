"""A scene as a picture: `draw(scene)` -> PIL RGB image. Pillow only; the same scene always gives the same pixels on one machine."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from recipes.nano.fonts import load_font
from recipes.nano.lexicon import SHAPES
from recipes.nano.scene import Background, Line, Scene, Shape

Points = list[tuple[float, float]]
SUPERSAMPLING = 3


def draw(scene: Scene) -> Image.Image:
    """The picture, RGB, `scene.width` x `scene.height`."""
    picture = _background(scene.background, scene.width, scene.height)
    for shape in scene.shapes:
        _paste_shape(picture, shape)
    for line in scene.lines:
        _paste_line(picture, line)
    return _camera(picture, random.Random(scene.background.seed + 1))


def _background(background: Background, width: int, height: int) -> Image.Image:
    if background.kind == "solid":
        return Image.new("RGB", (width, height), background.first)
    source = np.random.default_rng(background.seed)
    mix = _MIXES[background.kind](source, width, height)[..., None]
    first, second = np.array(background.first, np.float32), np.array(background.second, np.float32)
    return Image.fromarray((first + (second - first) * mix).clip(0, 255).astype(np.uint8))


def _gradient(source: np.random.Generator, width: int, height: int) -> np.ndarray:
    angle = source.uniform(0, 2 * math.pi)
    x, y = np.linspace(-0.5, 0.5, width, dtype=np.float32), np.linspace(-0.5, 0.5, height, dtype=np.float32)
    return 0.5 + 0.7 * (x[None] * math.cos(angle) + y[:, None] * math.sin(angle))


def _noise(source: np.random.Generator, width: int, height: int) -> np.ndarray:
    return source.random((height, width), dtype=np.float32)


def _stripes(source: np.random.Generator, width: int, height: int) -> np.ndarray:
    angle, wave = source.uniform(0, math.pi), source.uniform(4, 30)
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    return (np.sin((x[None] * math.cos(angle) + y[:, None] * math.sin(angle)) * 2 * math.pi / wave) > 0).astype(np.float32)


def _blobs(source: np.random.Generator, width: int, height: int) -> np.ndarray:
    small = (source.random((5, 5)) * 255).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC), np.float32) / 255


_MIXES: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "gradient": _gradient,
    "noise": _noise,
    "stripes": _stripes,
    "blobs": _blobs,
}


def _paste_shape(picture: Image.Image, shape: Shape) -> None:
    """Drawn three times too large and scaled down, so that edges are smooth."""
    left, top, right, bottom = (round(value) for value in shape.box)
    width, height = max(2, right - left), max(2, bottom - top)
    mask = Image.new("L", (width * SUPERSAMPLING, height * SUPERSAMPLING), 0)
    name = SHAPES[shape.kind].en
    if name in ("circle", "ring"):
        _draw_round(mask, hollow=name == "ring")
    else:
        turned = _turn(_OUTLINES[name](), shape.turn)
        ImageDraw.Draw(mask).polygon([(x * (mask.width - 1), y * (mask.height - 1)) for x, y in turned], fill=255)
    picture.paste(shape.rgb, (left, top), mask.resize((width, height), Image.Resampling.BOX))


def _draw_round(mask: Image.Image, *, hollow: bool) -> None:
    pen = ImageDraw.Draw(mask)
    pen.ellipse((0, 0, mask.width - 1, mask.height - 1), fill=255)
    if hollow:
        x, y = mask.width * 0.26, mask.height * 0.26
        pen.ellipse((x, y, mask.width - 1 - x, mask.height - 1 - y), fill=0)


def _triangle() -> Points:
    return [(0.5, 0.02), (0.99, 0.95), (0.01, 0.95)]


def _square() -> Points:
    return [(0.07, 0.07), (0.93, 0.07), (0.93, 0.93), (0.07, 0.93)]


def _diamond() -> Points:
    return [(0.5, 0.0), (0.86, 0.5), (0.5, 1.0), (0.14, 0.5)]


def _cross() -> Points:
    a, b = 0.34, 0.66
    return [(a, 0), (b, 0), (b, a), (1, a), (1, b), (b, b), (b, 1), (a, 1), (a, b), (0, b), (0, a), (a, a)]


def _star() -> Points:
    corners = []
    for i in range(10):
        radius, angle = (0.53 if i % 2 == 0 else 0.21), math.pi * (i / 5 - 0.5)
        corners.append((0.5 + radius * math.cos(angle), 0.53 + radius * math.sin(angle)))
    return corners


def _heart() -> Points:
    corners = []
    for i in range(40):
        t = 2 * math.pi * i / 40
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        corners.append((0.5 + x / 33, 0.45 - y / 31))
    return corners


_OUTLINES: dict[str, Callable[[], Points]] = {
    "triangle": _triangle,
    "square": _square,
    "diamond": _diamond,
    "cross": _cross,
    "star": _star,
    "heart": _heart,
}


def _turn(points: Points, degrees: float) -> Points:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [(0.5 + (x - 0.5) * cos - (y - 0.5) * sin, 0.5 + (x - 0.5) * sin + (y - 0.5) * cos) for x, y in points]


def _paste_line(picture: Image.Image, line: Line) -> None:
    left, top, right, bottom = (round(value) for value in line.box)
    width, height = max(1, right - left), max(1, bottom - top)
    if line.plate is not None:
        plate = Image.new("L", (width, height), 255)
        picture.paste(line.plate, (left, top), plate)
    mask = Image.new("L", (width, height), 0)
    pen, font = ImageDraw.Draw(mask), load_font(line.face, line.size)
    baseline = line.glyphs[0][1][1] - line.box[1] + 0.92 * line.size
    for character, box in line.glyphs:
        pen.text((box[0] - line.box[0], baseline), character, fill=255, font=font, anchor="ls")
    if line.turn:
        mask = mask.rotate(line.turn, resample=Image.Resampling.BILINEAR)
    picture.paste(line.rgb, (left, top), mask)


def _camera(picture: Image.Image, source: random.Random) -> Image.Image:
    """A little blur or grain on one picture in four: real pictures are never as clean as drawn ones."""
    kind = source.random()
    if kind < 0.12:
        return picture.filter(ImageFilter.GaussianBlur(source.uniform(0.3, 0.8)))
    if kind < 0.25:
        grain = np.random.default_rng(source.randrange(1 << 30)).normal(0, source.uniform(2, 9), (picture.height, picture.width, 3))
        return Image.fromarray((np.asarray(picture, np.float32) + grain).clip(0, 255).astype(np.uint8))
    return picture
