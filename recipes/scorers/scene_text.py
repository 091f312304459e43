"""Text and signs that belong to a picture and are no watermark: subtitles, titles, signs, labels, banners, stickers, rules of a table.

    (random source, picture, split) -> the picture with one of them

The hard half of the negatives: what is drawn here is opaque, or stands on a plate of its own.
"""

from __future__ import annotations

import random

import PIL.Image
import PIL.ImageDraw
from recipes.nano.data import texts
from recipes.nano.data.backgrounds import colour, readable_ink
from recipes.nano.data.fonts import face
from recipes.nano.data.sample import Language, Split
from recipes.scorers.pictures import album

WAYS = {"subtitle": 0.22, "title": 0.16, "sign": 0.22, "label": 0.14, "banner": 0.12, "sticker": 0.09, "rules": 0.05}


def with_scene_text(source: random.Random, picture: PIL.Image.Image, split: Split) -> PIL.Image.Image:
    """A copy of the picture with something on it that must not be taken for a watermark."""
    picture = picture.copy()
    way = source.choices(list(WAYS), list(WAYS.values()))[0]
    if way == "sticker":
        return _sticker(source, picture, split)
    if way == "rules":
        return _rules(source, picture)
    language: Language = source.choice(("en", "en", "zh"))
    if way == "subtitle":
        return _subtitle(source, picture, split, language)
    if way == "title":
        return _title(source, picture, split, language)
    return _plate(source, picture, split, language, way)


def _fitted(source: random.Random, split: Split, language: Language, text: str, px: int, room: float):  # type: ignore[no-untyped-def]
    """The text, cut to the room, and its font."""
    font = face(source, language, split, text=text).at(px)
    return text[: max(2, int(len(text) * min(1.0, room / max(1.0, font.getlength(text)))))].strip(), font


def _subtitle(source: random.Random, picture: PIL.Image.Image, split: Split, language: Language) -> PIL.Image.Image:
    """Opaque, below the middle, with a dark edge or on a bar."""
    px = max(11, round(min(picture.size) * source.uniform(0.04, 0.08)))
    text, font = _fitted(source, split, language, texts.sentence(source, language, split), px, 0.9 * picture.width)
    pen = PIL.ImageDraw.Draw(picture)
    x, y = (picture.width - font.getlength(text)) / 2, picture.height - px * source.uniform(1.4, 2.4)
    if source.random() < 0.35:
        pen.rectangle((x - px / 2, y - px / 4, picture.width - x + px / 2, y + 1.3 * px), fill="black")
    fill = source.choice(("white", "white", "#ffee55"))
    pen.text((x, y), text, font=font, fill=fill, stroke_width=source.randint(1, 2), stroke_fill="black")
    return picture


def _title(source: random.Random, picture: PIL.Image.Image, split: Split, language: Language) -> PIL.Image.Image:
    """Large and opaque, as on posters and memes."""
    px = round(min(picture.size) * source.uniform(0.09, 0.2))
    text, font = _fitted(source, split, language, texts.title(source, language, split), px, 0.94 * picture.width)
    x, y = (picture.width - font.getlength(text)) / 2, picture.height * source.choice((0.03, 0.06, 0.4, 0.75))
    area = (x, y, min(picture.width, x + font.getlength(text)), min(picture.height, y + 1.2 * px))
    _, ink = readable_ink(source, picture, area=area)
    edge = source.choice((0, 0, 2, 3))
    dark = sum(ink) < 380
    PIL.ImageDraw.Draw(picture).text((x, y), text, font=font, fill=ink, stroke_width=edge, stroke_fill="white" if dark else "black")
    return picture


def _plate(source: random.Random, picture: PIL.Image.Image, split: Split, language: Language, way: str) -> PIL.Image.Image:
    """Text on a plate: a sign in the scene, turned a little; a small label; a banner, whose ground may be seen through."""
    px = max(9, round(min(picture.size) * (source.uniform(0.03, 0.05) if way == "label" else source.uniform(0.05, 0.11))))
    said = texts.price(source, language) if way == "label" else " ".join(texts.words(source, language, split, source.randint(1, 3)))
    if way == "banner":
        said = texts.title(source, language, split)
    text, font = _fitted(source, split, language, said, px, 0.85 * picture.width)
    pad = round(px * source.uniform(0.3, 0.8))
    width = picture.width if way == "banner" else round(font.getlength(text)) + 2 * pad
    plate = PIL.Image.new("RGB", (max(8, width), round(1.35 * px) + 2 * pad), colour(source, dark=source.random() < 0.5))
    plate, ink = readable_ink(source, plate)
    cover = PIL.Image.new("L", plate.size, round(255 * source.uniform(0.45, 0.85)) if way == "banner" else 255)
    for image, fill in ((plate, ink), (cover, 255)):
        PIL.ImageDraw.Draw(image).text((pad, pad), text, font=font, fill=fill)
    if way == "sign":
        angle = source.uniform(-12, 12)
        plate, cover = (one.rotate(angle, PIL.Image.Resampling.BILINEAR, expand=True) for one in (plate, cover))
    x = 0 if way == "banner" else source.randint(0, max(0, picture.width - plate.width))
    y = source.randint(0, max(0, picture.height - plate.height))
    picture.paste(plate, (x, y), cover)
    return picture


def _sticker(source: random.Random, picture: PIL.Image.Image, split: Split) -> PIL.Image.Image:
    """An opaque, coloured thing in a corner: a logo that is content."""
    thing = album(split).pick(source, "cutout")
    scale = source.uniform(0.1, 0.25) * min(picture.size) / max(thing.size)
    small = thing.resize((max(8, round(thing.width * scale)), max(8, round(thing.height * scale))), PIL.Image.Resampling.BICUBIC)
    margin = round(0.03 * min(picture.size))
    x = source.choice((margin, picture.width - small.width - margin))
    picture.paste(small, (x, source.choice((margin, picture.height - small.height - margin))), small)
    return picture


def _rules(source: random.Random, picture: PIL.Image.Image) -> PIL.Image.Image:
    """Opaque lines across, as tables, calendars and squared paper have them."""
    pen, step = PIL.ImageDraw.Draw(picture), max(10, round(min(picture.size) * source.uniform(0.04, 0.2)))
    ink, start = colour(source, dark=source.random() < 0.6), source.randint(0, step)
    for x in range(start, picture.width, step):
        pen.line((x, 0, x, picture.height), fill=ink, width=1)
    for y in range(start, picture.height, round(step * source.uniform(0.5, 1.5)) or 1):
        pen.line((0, y, picture.width, y), fill=ink, width=1)
    return picture
