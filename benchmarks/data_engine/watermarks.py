"""Marks such as agencies draw over pictures, in faces, words and shapes that the shipped scorer was not trained with.

    (random source, RGB) -> mark on a transparent layer -> RGB with the mark, and the kind of mark

Faces are those of the part "test" of recipes/nano; names are put together of letters.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw
from recipes.nano.data.fonts import face

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_ENDINGS = (".com", ".net", ".org", " Photo", " Images", " Stock", " Studio", "®", " Archive", ".cn")
_CHINESE = ("图库", "摄影网", "版权所有", "素材中国", "样图", "视觉在线")
LEAST_CHANGE = 22.0  # of 255, on average over the mark's own pixels: what a person sees without looking for it
_TRIES = 12

Mark = Callable[[random.Random, tuple[int, int], tuple[int, int, int]], Image.Image]


def watermarked(source: random.Random, picture: Image.Image) -> tuple[Image.Image, str]:
    """The picture with one mark that can be seen, and the mark's kind. Raises MissingMaterial where no font was fetched."""
    kind = source.choice(sorted(MARKS))
    marked = picture
    for attempt in range(_TRIES):
        ink = (_away_from if attempt else _pale)(source, picture)
        layer = MARKS[kind](source, picture.size, ink)
        marked = Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")
        if _change(picture, marked, layer) >= LEAST_CHANGE:
            break
    return marked, kind


def _tiled(source: random.Random, size: tuple[int, int], ink: tuple[int, int, int]) -> Image.Image:
    """Words all over, on a slant."""
    diagonal = math.ceil(math.hypot(*size))
    layer = Image.new("RGBA", (diagonal, diagonal), (*ink, 0))
    text, pen = _words(source), ImageDraw.Draw(layer)
    font = face(source, "en", "test", style="print").at(source.randint(13, 24))
    width, step = round(pen.textlength(text, font)) + source.randint(18, 50), source.randint(42, 80)
    alpha = source.randint(90, 170)
    for row, y in enumerate(range(0, diagonal, step)):
        for x in range(-(row % 2) * width // 2, diagonal, width):
            pen.text((x, y), text, font=font, fill=(*ink, alpha))
    turned = layer.rotate(source.uniform(15, 50) * source.choice((-1, 1)), Image.Resampling.BICUBIC)
    left, top = (diagonal - size[0]) // 2, (diagonal - size[1]) // 2
    return turned.crop((left, top, left + size[0], top + size[1]))


def _across(source: random.Random, size: tuple[int, int], ink: tuple[int, int, int]) -> Image.Image:
    """One large line through the middle."""
    layer = Image.new("RGBA", size, (*ink, 0))
    text, chinese = (source.choice(_CHINESE), "zh") if source.random() < 0.25 else (_words(source), "en")
    font = face(source, chinese, "test", style="print", text=text).at(_fitting_px(source, text, size[0]))  # type: ignore[arg-type]
    pen = ImageDraw.Draw(layer)
    pen.text((size[0] / 2, size[1] * source.uniform(0.3, 0.7)), text, font=font, fill=(*ink, source.randint(95, 190)), anchor="mm")
    return layer.rotate(source.uniform(-30, 30), Image.Resampling.BICUBIC)


def _corner(source: random.Random, size: tuple[int, int], ink: tuple[int, int, int]) -> Image.Image:
    """A maker's name in a corner, clear but small."""
    layer = Image.new("RGBA", size, (*ink, 0))
    text = f"{source.choice(('© ', '', 'www.'))}{_words(source)}"
    font = face(source, "en", "test", style="print").at(source.randint(14, 22))
    left, top = source.random() < 0.5, source.random() < 0.3
    place = (8 if left else size[0] - 8, 8 if top else size[1] - 8)
    anchor = ("l" if left else "r") + ("a" if top else "d")
    ImageDraw.Draw(layer).text(place, text, font=font, fill=(*ink, source.randint(150, 235)), anchor=anchor)
    return layer


def _band(source: random.Random, size: tuple[int, int], ink: tuple[int, int, int]) -> Image.Image:
    """A see-through strip with words on it."""
    layer = Image.new("RGBA", size, (*ink, 0))
    height = source.randint(26, 46)
    top = round((size[1] - height) * source.choice((0.0, 0.5, 1.0)))
    pen = ImageDraw.Draw(layer)
    pen.rectangle((0, top, size[0], top + height), fill=(*ink, source.randint(90, 150)))
    other = (255, 255, 255) if sum(ink) < 380 else (20, 20, 20)
    font = face(source, "en", "test", style="print").at(height * 3 // 5)
    pen.text((size[0] / 2, top + height / 2), _words(source), font=font, fill=(*other, 225), anchor="mm")
    return layer


def _emblem(source: random.Random, size: tuple[int, int], ink: tuple[int, int, int]) -> Image.Image:
    """A star in a ring or a shield of bars, with or without a name beneath."""
    layer = Image.new("RGBA", size, (*ink, 0))
    pen, fill = ImageDraw.Draw(layer), (*ink, source.randint(100, 190))
    radius = min(size) * source.uniform(0.1, 0.28)
    x, y = (side * source.uniform(0.3, 0.7) for side in size)
    if source.random() < 0.5:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=fill, width=max(3, round(radius / 8)))
        pen.regular_polygon((x, y, radius * 0.7), source.randint(3, 7), rotation=source.randint(0, 90), fill=fill)
    else:
        for bar in range(4):
            left = x - radius + bar * radius / 2
            pen.rectangle((left, y - radius * (0.4 + 0.2 * bar), left + radius / 3, y + radius * 0.6), fill=fill)
    if source.random() < 0.6:
        font = face(source, "en", "test", style="print").at(max(13, round(radius / 2)))
        pen.text((x, y + radius * 1.15), _words(source), font=font, fill=fill, anchor="ma")
    return layer


def _crossed(source: random.Random, size: tuple[int, int], ink: tuple[int, int, int]) -> Image.Image:
    """Thin lines from corner to corner, and words where they meet."""
    layer = Image.new("RGBA", size, (*ink, 0))
    pen, fill = ImageDraw.Draw(layer), (*ink, source.randint(110, 190))
    width = source.randint(1, 3)
    pen.line((0, 0, *size), fill=fill, width=width)
    pen.line((0, size[1], size[0], 0), fill=fill, width=width)
    font = face(source, "en", "test", style="print").at(source.randint(20, 34))
    pen.text((size[0] / 2, size[1] / 2), _words(source), font=font, fill=fill, anchor="mm")
    return layer


MARKS: dict[str, Mark] = {"tiled": _tiled, "across": _across, "corner": _corner, "band": _band, "emblem": _emblem, "crossed": _crossed}


def _words(source: random.Random) -> str:
    name = "".join(source.choice(_CONSONANTS) + source.choice(_VOWELS) for _ in range(source.randint(2, 4)))
    return (name.capitalize() if source.random() < 0.7 else name.upper()) + source.choice(_ENDINGS)


def _fitting_px(source: random.Random, text: str, width: int) -> int:
    """A size at which the text takes two thirds of the width or more."""
    letters = sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)
    return max(18, min(72, round(width * source.uniform(0.65, 0.95) / (0.55 * letters))))


def _pale(source: random.Random, picture: Image.Image) -> tuple[int, int, int]:
    """White, as most are."""
    return (255, 255, 255) if source.random() < 0.8 else (230, 230, 230)


def _away_from(source: random.Random, picture: Image.Image) -> tuple[int, int, int]:
    """Dark grey, black or a colour where white would not be seen."""
    mean = sum(picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))) / 3  # type: ignore[arg-type]
    if mean < 110:
        return (255, 255, 255)
    return source.choice(((128, 128, 128), (90, 90, 90), (20, 20, 20), (160, 30, 30), (30, 60, 140)))


def _change(before: Image.Image, after: Image.Image, layer: Image.Image) -> float:
    """How much the pixels under the mark changed, of 255."""
    inked = np.asarray(layer.getchannel("A")) > 40
    if not inked.any():
        return 0.0
    difference = np.abs(np.asarray(before, dtype=np.int16) - np.asarray(after, dtype=np.int16)).mean(axis=2)
    return float(difference[inked].mean())
