"""Eleven colours with names, told apart so carefully that nobody would argue, and pictures painted in another of them.

    RGBA picture -> colour_of -> "red" or None          RGBA picture, "blue" -> painted -> the same thing in blue, or None

A picture has a colour only when most of it has, and hues between two names have none.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from recipes.nano.data.sample import Language

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Colour:
    """rgb: its typical value; names in both languages."""

    en: str
    zh: str
    rgb: Rgb

    def said(self, language: Language) -> str:
        return self.en if language == "en" else self.zh


COLOURS: dict[str, Colour] = {
    colour.en: colour
    for colour in (
        Colour("red", "红色", (222, 35, 35)),
        Colour("orange", "橙色", (247, 140, 20)),
        Colour("yellow", "黄色", (250, 220, 40)),
        Colour("green", "绿色", (40, 160, 65)),
        Colour("blue", "蓝色", (35, 85, 215)),
        Colour("purple", "紫色", (125, 50, 175)),
        Colour("pink", "粉色", (247, 145, 190)),
        Colour("brown", "棕色", (125, 75, 40)),
        Colour("black", "黑色", (22, 22, 24)),
        Colour("white", "白色", (252, 252, 252)),
        Colour("gray", "灰色", (128, 128, 130)),
    )
}
# Colours that a picture may be painted in by turning its hue, with that hue in degrees.
_HUES = {"red": 0, "orange": 31, "yellow": 52, "green": 125, "blue": 222, "purple": 277}
# Hue from, hue to (degrees), least saturation, least value, most value.
_BANDS = {
    "red": (-14, 11, 0.55, 0.45, 1.0),
    "orange": (22, 39, 0.65, 0.78, 1.0),
    "yellow": (44, 62, 0.45, 0.80, 1.0),
    "green": (85, 160, 0.30, 0.25, 0.95),
    "blue": (200, 246, 0.40, 0.30, 1.0),
    "purple": (262, 295, 0.30, 0.25, 1.0),
    "pink": (312, 346, 0.22, 0.75, 1.0),
    "brown": (12, 36, 0.40, 0.22, 0.62),
}
MOST = 0.62


def jittered(colour: Colour, source: random.Random) -> Rgb:
    """The colour as one of many reds, greens or blues."""
    shift = 14 if colour.en not in {"black", "white"} else 4
    red, green, blue = (min(255, max(0, part + source.randint(-shift, shift))) for part in colour.rgb)
    return red, green, blue


def colour_of(picture: Image.Image) -> str | None:
    """The one colour that most of the opaque part of an RGBA picture has, or None."""
    hue, saturation, value, opaque = _hsv(picture)
    total = int(opaque.sum())
    if not total:
        return None
    for name, (start, end, least, dark, light) in _BANDS.items():
        turned = (hue - start) % 360
        inside = (turned <= end - start) & (saturation >= least) & (value >= dark) & (value <= light) & opaque
        if inside.sum() >= MOST * total:
            return name
    plain = (saturation < 0.12) & opaque
    for name, low, high in (("black", 0.0, 0.22), ("white", 0.9, 1.0), ("gray", 0.4, 0.68)):
        if (plain & (value >= low) & (value <= high)).sum() >= MOST * total:
            return name
    return None


def painted(picture: Image.Image, colour: str) -> Image.Image | None:
    """The RGBA picture in another colour, or None where that does not come out clearly. Highlights and lines stay."""
    if colour not in _HUES:
        return None
    hue, saturation, value, opaque = _hsv(picture)
    strong = opaque & (saturation > 0.3)
    if strong.sum() < MOST * max(1, int(opaque.sum())):
        return None
    main = _main_hue(hue[strong])
    near = np.abs((hue - main + 180) % 360 - 180) < 32
    if (near & strong).sum() < 0.8 * strong.sum():
        return None
    turned = np.where(near, (hue - main) * 0.3 + _HUES[colour], hue) % 360
    bands = np.stack([turned / 360 * 255, saturation * 255, value * 255], axis=-1).round().astype(np.uint8)
    result = Image.fromarray(bands, "HSV").convert("RGB")
    result.putalpha(picture.getchannel("A"))
    return result if colour_of(result) == colour else None


def distance(first: Rgb, second: Rgb) -> float:
    """How differently two colours look, roughly 0 to 765: green counts most."""
    weights = (2, 4, 3)
    return float(sum(weight * (a - b) ** 2 for weight, a, b in zip(weights, first, second, strict=True)) ** 0.5)


def _main_hue(hues: NDArray[np.float32]) -> float:
    counts, edges = np.histogram(hues, bins=36, range=(0, 360))
    return float(edges[int(counts.argmax())] + 5)


Plane = NDArray[np.float32]


def _hsv(picture: Image.Image) -> tuple[Plane, Plane, Plane, NDArray[np.bool_]]:
    opaque = np.asarray(picture.getchannel("A")) > 128
    bands = np.asarray(picture.convert("RGB").convert("HSV"), dtype=np.float32) / 255
    return bands[..., 0] * 360, bands[..., 1], bands[..., 2], opaque
