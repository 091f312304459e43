"""Watermarks, drawn over a picture: tiled, diagonal, central and corner texts, logos, lines; from barely visible to opaque.

    (random source, picture, split) -> Marked(picture, kind, opacity)

ink L [H, W] of 0 to 255 says where the mark is; colour and opacity say how it is laid on.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import PIL.Image
import PIL.ImageChops
import PIL.ImageDraw
import PIL.ImageFilter
from recipes.nano.data.fonts import face
from recipes.nano.data.pictures import album as icons
from recipes.nano.data.sample import Split
from recipes.scorers.mark_texts import mark_text, site

Size = tuple[int, int]
# kind -> how often, least and most opacity
KINDS = {
    "tiled text": (0.24, 0.08, 0.5),
    "diagonal text": (0.16, 0.12, 0.6),
    "central text": (0.14, 0.12, 0.7),
    "corner text": (0.2, 0.35, 1.0),
    "logo": (0.12, 0.12, 0.7),
    "tiled logo": (0.06, 0.1, 0.5),
    "lines": (0.08, 0.12, 0.5),
}
GREYS = ((0, 0, 0), (20, 20, 20), (128, 128, 128), (200, 200, 200))
COLOURS = ((255, 255, 255),) * 6 + (*GREYS, (200, 30, 30), (30, 60, 180), (230, 190, 40))


@dataclass(frozen=True)
class Marked:
    """A picture with a mark, of the same size as without."""

    picture: PIL.Image.Image
    kind: str
    opacity: float


def marked(source: random.Random, picture: PIL.Image.Image, split: Split, *, kind: str | None = None) -> Marked:
    """The picture with a watermark of a kind, or of any."""
    kind = kind or source.choices(list(KINDS), [share for share, _, _ in KINDS.values()])[0]
    _, least, most = KINDS[kind]
    opacity = source.uniform(least, most)
    ink = INKS[kind](source, picture.size, split)
    if source.random() < 0.15 and kind not in ("corner text", "lines"):
        ink = PIL.ImageChops.subtract(ink.filter(PIL.ImageFilter.MaxFilter(3)), ink)  # letters as outlines
    colour = _colour(source, picture)
    covered = picture
    if source.random() < 0.3:  # embossed: a shade of the other lightness beside the ink
        shade = (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)
        covered = _laid(covered, PIL.ImageChops.offset(ink, 1, 1), shade, opacity * 0.8)
    return Marked(_laid(covered, ink, colour, opacity), kind, opacity)


def _laid(picture: PIL.Image.Image, ink: PIL.Image.Image, colour: tuple[int, int, int], opacity: float) -> PIL.Image.Image:
    return PIL.Image.composite(PIL.Image.new("RGB", picture.size, colour), picture, ink.point(lambda value: round(value * opacity)))


def _colour(source: random.Random, picture: PIL.Image.Image) -> tuple[int, int, int]:
    """Any, unless it would not show: white on a white page is no watermark."""
    light = sum(picture.resize((1, 1), PIL.Image.Resampling.BOX).getpixel((0, 0))) / 3  # type: ignore[arg-type]
    seen = [colour for colour in COLOURS if abs(sum(colour) / 3 - light) > 60]
    return source.choice(seen)


def _stamp(source: random.Random, split: Split, px: int, *, text: str | None = None, widest: int = 10_000) -> PIL.Image.Image:
    """A text as ink, cut to its box; smaller than asked where it would be too wide."""
    said, language = (text, "en") if text else mark_text(source, split)
    font = face(source, language, split, text=said)  # type: ignore[arg-type]
    px = max(8, min(px, int(px * widest / max(1.0, font.at(px).getlength(said)))))
    left, top, right, bottom = font.at(px).getbbox(said)
    ink = PIL.Image.new("L", (max(1, math.ceil(right - left) + 2), max(1, math.ceil(bottom - top) + 2)))
    PIL.ImageDraw.Draw(ink).text((1 - left, 1 - top), said, font=font.at(px), fill=255)
    return ink


def _emblem(source: random.Random, split: Split, side: int) -> PIL.Image.Image:
    """A logo as ink: a silhouette, its outline, or initials in a ring; with a name below, now and then."""
    if source.random() < 0.6:
        drawing = icons().pick(source, split)
        shape = None if drawing is None else icons().picture(drawing, side)
        ink = PIL.Image.new("L", (side, side), 255) if shape is None else _silhouette(source, shape)
    else:
        ink = PIL.Image.new("L", (side, side))
        pen = PIL.ImageDraw.Draw(ink)
        width = max(1, side // source.randint(12, 30))
        (pen.ellipse if source.random() < 0.6 else pen.rectangle)((1, 1, side - 2, side - 2), outline=255, width=width)
        letters = "".join(source.choice("ABCDEFGHKLMNPRSTVWXYZ") for _ in range(source.randint(1, 3)))
        _put(ink, _stamp(source, split, side // 2, text=letters, widest=round(0.7 * side)), 0.5, 0.5)
    if source.random() < 0.3:
        name = _stamp(source, split, max(8, side // 4), widest=2 * side)
        both = PIL.Image.new("L", (max(ink.width, name.width), ink.height + name.height + 4))
        both.paste(ink, ((both.width - ink.width) // 2, 0))
        both.paste(name, ((both.width - name.width) // 2, ink.height + 4))
        return both
    return ink


def _silhouette(source: random.Random, shape: PIL.Image.Image) -> PIL.Image.Image:
    alpha = shape.getchannel("A")
    if source.random() < 0.5:
        return PIL.ImageChops.subtract(alpha, alpha.filter(PIL.ImageFilter.MinFilter(5)))
    grey = shape.convert("L").point(lambda value: 255 - value // 2)
    return PIL.ImageChops.multiply(alpha, grey) if source.random() < 0.5 else alpha


def _put(ink: PIL.Image.Image, stamp: PIL.Image.Image, x: float, y: float) -> None:
    """Paste with the middle at these parts of the width and height."""
    place = round(x * ink.width - stamp.width / 2), round(y * ink.height - stamp.height / 2)
    ink.paste(255, place, stamp)


def _tiled(source: random.Random, size: Size, stamp: PIL.Image.Image) -> PIL.Image.Image:
    """The stamp again and again, in rows that may be shifted, the whole turned."""
    side = math.ceil(math.hypot(*size))
    ink = PIL.Image.new("L", (side, side))
    across, down = stamp.width * source.uniform(1.15, 2.2), max(stamp.height * source.uniform(1.6, 5), side / 14)
    shift, rows = source.choice((0.0, 0.5, 0.33)), math.ceil(side / down) + 1
    for row in range(rows):
        x = -((row * shift) % 1.0) * across
        while x < side:
            ink.paste(255, (round(x), round(row * down)), stamp)
            x += across
    turned = ink.rotate(source.choice((0, 0, 15, 20, 30, 45, -20, -30, -45)), PIL.Image.Resampling.BILINEAR)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    return turned.crop((left, top, left + size[0], top + size[1]))


def _tiled_text(source: random.Random, size: Size, split: Split) -> PIL.Image.Image:
    return _tiled(source, size, _stamp(source, split, round(min(size) * source.uniform(0.03, 0.1)), widest=size[0]))


def _tiled_logo(source: random.Random, size: Size, split: Split) -> PIL.Image.Image:
    return _tiled(source, size, _emblem(source, split, round(min(size) * source.uniform(0.08, 0.2))))


def _diagonal(source: random.Random, size: Size, split: Split) -> PIL.Image.Image:
    """One large text from corner to corner, or at another slant."""
    stamp = _stamp(source, split, round(min(size) * source.uniform(0.1, 0.3)), widest=round(0.8 * math.hypot(*size)))
    slant = math.degrees(math.atan2(size[1], size[0])) * source.choice((1, 1, 1, 0.6, -1))
    ink = PIL.Image.new("L", size)
    _put(ink, stamp.rotate(slant, PIL.Image.Resampling.BILINEAR, expand=True), 0.5, 0.5)
    return ink


def _central(source: random.Random, size: Size, split: Split) -> PIL.Image.Image:
    stamp = _stamp(source, split, round(min(size) * source.uniform(0.06, 0.2)), widest=round(size[0] * source.uniform(0.4, 0.9)))
    ink = PIL.Image.new("L", size)
    _put(ink, stamp, source.uniform(0.45, 0.55), source.uniform(0.3, 0.7))
    return ink


def _corner(source: random.Random, size: Size, split: Split) -> PIL.Image.Image:
    """A small credit at the edge, mostly in a corner."""
    px = max(10, round(min(size) * source.uniform(0.025, 0.07)))
    text = site(source, split) if source.random() < 0.4 else None
    stamp = _stamp(source, split, px, text=text, widest=round(0.5 * size[0]))
    if source.random() < 0.2:
        emblem = _emblem(source, split, round(1.4 * px))
        both = PIL.Image.new("L", (emblem.width + 4 + stamp.width, max(emblem.height, stamp.height)))
        _put(both, emblem, emblem.width / 2 / both.width, 0.5)
        _put(both, stamp, 1 - stamp.width / 2 / both.width, 0.5)
        stamp = both
    margin = round(min(size) * source.uniform(0.01, 0.05))
    ink = PIL.Image.new("L", size)
    x = source.choice((margin, size[0] - margin - stamp.width, size[0] - margin - stamp.width, (size[0] - stamp.width) // 2))
    y = source.choice((margin, size[1] - margin - stamp.height, size[1] - margin - stamp.height))
    ink.paste(255, (x, y), stamp)
    return ink


def _logo(source: random.Random, size: Size, split: Split) -> PIL.Image.Image:
    """Large in the middle, or smaller near an edge."""
    large = source.random() < 0.55
    emblem = _emblem(source, split, round(min(size) * (source.uniform(0.3, 0.7) if large else source.uniform(0.12, 0.25))))
    ink = PIL.Image.new("L", size)
    _put(ink, emblem, *((0.5, 0.5) if large else (source.choice((0.15, 0.85)), source.choice((0.12, 0.88)))))
    return ink


def _lines(source: random.Random, size: Size, split: Split) -> PIL.Image.Image:
    """A lattice of thin lines or a cross from corner to corner, with a text in the middle most of the time."""
    ink = PIL.Image.new("L", size)
    pen, width = PIL.ImageDraw.Draw(ink), max(1, round(min(size) * source.uniform(0.002, 0.008)))
    if source.random() < 0.4:
        pen.line((0, 0, *size), fill=255, width=width)
        pen.line((0, size[1], size[0], 0), fill=255, width=width)
    else:
        step = max(12, round(min(size) * source.uniform(0.08, 0.3)))
        slope = source.choice((1.0, 1.0, 0.5, 1.7))
        for start in range(-2 * max(size), 2 * max(size), step):
            pen.line((start, 0, start + slope * size[1], size[1]), fill=255, width=width)
            if slope == 1.0:
                pen.line((start, size[1], start + size[1], 0), fill=255, width=width)
    if source.random() < 0.7:
        _put(ink, _stamp(source, split, round(min(size) * source.uniform(0.07, 0.16)), widest=round(0.7 * size[0])), 0.5, 0.5)
    return ink


INKS: dict[str, Callable[[random.Random, Size, Split], PIL.Image.Image]] = {
    "tiled text": _tiled_text,
    "diagonal text": _diagonal,
    "central text": _central,
    "corner text": _corner,
    "logo": _logo,
    "tiled logo": _tiled_logo,
    "lines": _lines,
}
