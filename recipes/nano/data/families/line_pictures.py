"""Single lines of text, fast: what the vision encoder learns to read from first.

    (source, split, height) -> text -> face that has its characters -> mask -> inked on a ground -> light damage -> (picture, text)

The picture is as wide as its text; some hundred a second on one core. Faces and textures are kept.
"""

from __future__ import annotations

import random
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont
from recipes.nano.data import texts
from recipes.nano.data.backgrounds import ground, readable_ink
from recipes.nano.data.degrade import finish
from recipes.nano.data.fonts import Face, covers, face
from recipes.nano.data.layout_text import pieces
from recipes.nano.data.sample import Language, MissingMaterial, Split

VALUES = (texts.number, texts.price, texts.date, texts.time, texts.code, texts.phone, texts.email, texts.person, texts.address)
LANGUAGES: tuple[Language, ...] = ("en", "zh")
TEXTS_TO_TRY, FACES_TO_TRY = 8, 12
# Of the height of the picture.
SIZES = (0.5, 0.66, 0.8)


def line_picture(
    source: random.Random, split: Split, *, height: int, language: Language | None = None, widest: int | None = None
) -> tuple[Image.Image, str]:
    """An RGB picture of `height` px with a line of text, and the text; no wider than `widest` (24 heights). Raises MissingMaterial."""
    written = language or source.choice(LANGUAGES)
    widest = widest or 24 * height
    for _ in range(TEXTS_TO_TRY):
        text = line_text(source, written, split)
        if chosen := readable_face(source, written, split, text):
            break
    else:
        raise MissingMaterial(
            f"no face of the {split} split has all characters of {text!r}: python -m recipes.nano.data.materials --use fonts"
        )
    mask, text, size = _mask(source, text, chosen, height, widest)
    picture, ink = readable_ink(source, ground(source, mask.size, split))
    picture.paste(ink, mask=mask)
    if source.random() < 0.5:
        strength = source.random() * min(1.0, max(0.15, (size - 8) / 12))
        picture = finish(picture, source, strength=strength, text_px=size)
    return picture, text


def readable_face(source: random.Random, language: Language, split: Split, text: str) -> Face | None:
    """A face that has every character of the text; None when no face seems to. Raises MissingMaterial where there are no faces."""
    for _ in range(FACES_TO_TRY):
        found = face(source, language, split)
        # Capitals of a script face can't be told apart.
        if covers(found, text) and not (found.style == "hand" and text.isupper()):
            return found
    # Chinese faces have Latin letters as well, and are plenty.
    for _ in range(FACES_TO_TRY):
        found = face(source, "zh", split)
        if covers(found, text):
            return found
    return None


def _mask(source: random.Random, text: str, chosen: Face, height: int, widest: int) -> tuple[Image.Image, str, float]:
    """What the ink covers; the text, without the words at the end that had no room; and its size in px."""
    font = _font(chosen.path, chosen.index, max(8, round(height * source.choice(SIZES))))
    zoom = source.uniform(0.8, 1.1) if source.random() < 0.7 else 1.0
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    ink = bottom - top
    # Letters that reach far up or down make the line smaller.
    zoom = min(zoom, height / (ink + 2))
    room = widest / zoom - 2 * height // 3
    if right - left > room:
        text = _shortened(text, right - left, room)
        left, _, right, _ = font.getbbox(text, anchor="ls")
    drawn_height = height if zoom == 1 else round(height / zoom)
    before, after = source.randint(1, max(1, height // 3)), source.randint(1, max(1, height // 3))
    slack = max(0, drawn_height - ink)
    # Mostly in the middle, sometimes close to an edge.
    above = round(slack * (0.5 if source.random() < 0.5 else source.uniform(0.1, 0.9)))
    mask = Image.new("L", (round(right - left) + before + after, drawn_height), 0)
    ImageDraw.Draw(mask).text((before - round(left), above - round(top)), text, fill=255, font=font, anchor="ls")
    if source.random() < 0.2:
        mask = mask.rotate(source.uniform(-1, 1) * min(2.0, 60 * slack / mask.width), Image.Resampling.BILINEAR)
    if drawn_height != height:
        mask = mask.resize((max(1, min(widest, round(mask.width * zoom))), height), Image.Resampling.BILINEAR)
    return mask, text, font.size * zoom


@lru_cache(maxsize=512)
def _font(path: str, index: int, size: int) -> ImageFont.FreeTypeFont:
    """Few sizes and the plain layout: loading and shaping would take longer than all the rest."""
    return ImageFont.truetype(path, size, index=index, layout_engine=ImageFont.Layout.BASIC)


def _shortened(text: str, length: float, widest: float) -> str:
    """The text without the words that are too many."""
    if length <= widest:
        return text
    found = pieces(text)
    keep = max(1, int(len(found) * 0.95 * widest / length))
    start, piece = found[keep - 1]
    return text[: start + len(piece)]


def line_text(source: random.Random, language: Language, split: Split) -> str:
    kind = source.random()
    if kind < 0.5:
        return _window(source, texts.sentence(source, language, split))
    if kind < 0.68:
        gap = " " if language == "en" else source.choice(("", " "))
        return gap.join(texts.words(source, language, split, source.randint(1, 4)))
    if kind < 0.75:
        return texts.title(source, language, split).upper() if source.random() < 0.3 else texts.title(source, language, split)
    if kind < 0.95 or language == "en":
        return source.choice(VALUES)(source, language)
    return texts.mixed(source, split)


def _window(source: random.Random, text: str) -> str:
    """Some words in a row of a long sentence, as a line of a page has them."""
    found = pieces(text)
    count = source.randint(3, 10) if " " in text else source.randint(4, 22)
    first = source.randrange(max(1, len(found) - count + 1))
    start, (last, piece) = found[first][0], found[min(first + count, len(found)) - 1]
    return text[start : last + len(piece)].lstrip("，。、；：,.;:) ）") or text
