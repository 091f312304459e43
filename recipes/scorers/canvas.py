"""A picture as the web has them, before any watermark or fault: a piece of a photograph, a drawing, a composition, a screen, a page.

(random source, split) -> canvas -> RGB picture of 320 to 720 px
"""

from __future__ import annotations

import random

import PIL.Image
import PIL.ImageDraw
import PIL.ImageEnhance
from recipes.nano.data import texts
from recipes.nano.data.backgrounds import ground
from recipes.nano.data.fonts import face
from recipes.nano.data.sample import Split
from recipes.scorers.pictures import album

WAYS = {"photo": 0.58, "drawing": 0.12, "composition": 0.12, "screen": 0.08, "page": 0.1}
SIDES = (320, 720)  # px, the longer one
ASPECTS = (0.62, 0.75, 0.8, 1.0, 1.25, 1.33, 1.5, 1.78)


def canvas(source: random.Random, split: Split, *, ways: dict[str, float] = WAYS, sides: tuple[int, int] = SIDES) -> PIL.Image.Image:
    """A clean picture. ways: how often each kind comes. sides: least and most px of the longer side."""
    way = source.choices(list(ways), list(ways.values()))[0]
    longer, aspect = source.randint(*sides), source.choice(ASPECTS)
    size = (longer, round(longer / aspect)) if aspect > 1 else (round(longer * aspect), longer)
    if way in ("photo", "screen"):
        picture = _piece(source, album(split).pick(source, way), size)  # type: ignore[arg-type]
    elif way == "page":
        picture = _page(source, split, size)
    else:
        picture = _composed(source, split, size, way)
    if way == "photo" and source.random() < 0.3:
        picture = PIL.ImageEnhance.Color(picture).enhance(source.choice((0.0, 0.6, 0.8, 1.2)))
    if way in ("photo", "composition") and source.random() < 0.5:
        picture = picture.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    return picture


def _piece(source: random.Random, whole: PIL.Image.Image, size: tuple[int, int]) -> PIL.Image.Image:
    """A window of that aspect, half of the picture at least, brought to the size; never enlarged much."""
    widest = min(whole.width, whole.height * size[0] / size[1])
    width = widest * source.uniform(0.6, 1.0)
    height = width * size[1] / size[0]
    left, top = source.uniform(0, whole.width - width), source.uniform(0, whole.height - height)
    scale = min(1.0, 1.15 * width / size[0])
    target = (max(32, round(size[0] * scale)), max(32, round(size[1] * scale)))
    return whole.resize(target, PIL.Image.Resampling.LANCZOS, box=(left, top, left + width, top + height))


def _composed(source: random.Random, split: Split, size: tuple[int, int], way: str) -> PIL.Image.Image:
    """A drawing on a plain ground, or cut-outs before a photograph or a texture."""
    if way == "drawing":
        picture = ground(source, size, split, kind=source.choice(("plain", "plain", "plain", "gradient")), dark=source.random() < 0.1)
        things = [album(split).pick(source, "drawing")]
        share = (0.7, 0.95)
    else:
        photo = source.random() < 0.6
        picture = _piece(source, album(split).pick(source, "photo"), size) if photo else ground(source, size, split, kind="texture")
        things = [album(split).pick(source, "cutout") for _ in range(source.randint(1, 5))]
        share = (0.2, 0.5)
    for thing in things:
        scale = source.uniform(*share) * min(picture.width / thing.width, picture.height / thing.height)
        small = thing.resize((max(8, round(thing.width * scale)), max(8, round(thing.height * scale))), PIL.Image.Resampling.BICUBIC)
        place = source.randint(0, max(0, picture.width - small.width)), source.randint(0, max(0, picture.height - small.height))
        picture.paste(small, place, small)
    return picture


def _page(source: random.Random, split: Split, size: tuple[int, int]) -> PIL.Image.Image:
    """Lines of text, a heading, now and then a picture or rules: what a scan or a slide looks like."""
    picture = ground(source, size, split, kind=source.choice(("plain", "plain", "texture")), dark=source.random() < 0.12)
    ink = "white" if sum(picture.resize((1, 1)).getpixel((0, 0))) < 380 else source.choice(("black", "#222", "#333366", "#552222"))  # type: ignore[arg-type]
    pen, language = PIL.ImageDraw.Draw(picture), source.choice(("en", "en", "zh"))
    margin, y = round(size[0] * source.uniform(0.04, 0.12)), round(size[1] * source.uniform(0.03, 0.1))
    body = max(9, round(min(size) * source.uniform(0.022, 0.05)))
    while y < size[1] - 2 * body:
        if source.random() < 0.12:
            photo = _piece(source, album(split).pick(source, "photo"), (round(size[0] * 0.3), round(size[1] * 0.2)))
            picture.paste(photo, (margin, y))
            y += photo.height + body
            continue
        heading = source.random() < 0.12
        text = texts.sentence(source, language, split)
        font = face(source, language, split, style="print", text=text).at(round(body * 1.6) if heading else body)
        room = max(1, int((size[0] - 2 * margin) / max(1.0, font.getlength(text)) * len(text)))
        for start in range(0, min(len(text), 6 * room), room):
            pen.text((margin, y), text[start : start + room], font=font, fill=ink)
            y += round(body * (2.2 if heading else 1.45))
        if source.random() < 0.1:
            pen.line((margin, y, size[0] - margin, y), fill=ink, width=1)
        y += round(body * source.choice((0, 0, 0.8)))
    return picture
