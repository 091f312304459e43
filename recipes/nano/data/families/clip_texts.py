"""Clips of text: a line that runs through the picture, words one after another, text being typed, numbers counting.

    (talk, split, frames, size) -> Story(frames, found, names)

Every letter is whole and legible in at least one frame; text typed letter by letter is complete in the last.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont
from recipes.nano.data import texts
from recipes.nano.data.backgrounds import ground, readable_ink
from recipes.nano.data.families.clip_stories import Size, Story
from recipes.nano.data.families.clip_talk import ClipTalk, Found
from recipes.nano.data.fonts import covers, face
from recipes.nano.data.layout_text import wrap
from recipes.nano.data.sample import Language, Split

Rgb = tuple[int, int, int]
Teller = Callable[[ClipTalk, Split, int, Size], Story | None]


def scrolls(talk: ClipTalk, split: Split, count: int, size: Size) -> Story | None:
    """A line runs from right to left, from its first letter to its last."""
    prepared = _text(talk, split, talk.source.randint(22, 40))
    if prepared is None:
        return None
    text, font = prepared
    width = round(font.getlength(text))
    lead = size[0] // 12
    travel = width + 2 * lead - size[0]
    # A step of more than half the picture would leave words that are never whole.
    if travel <= 0 or travel / (count - 1) > 0.5 * size[0]:
        return None
    under, ink = _board(talk.source, size, split)
    top = talk.source.randint(8, max(9, size[1] - font.size * 2))  # type: ignore[call-overload]
    frames = [_written(under, [(lead - round(travel * k / (count - 1)), top, text)], font, ink) for k in range(count)]
    return Story(frames, [talk.turn("read", {}, text, text)], [])


def typed(talk: ClipTalk, split: Split, count: int, size: Size) -> Story | None:
    """Text appears piece by piece until it is whole."""
    prepared = _text(talk, split, talk.source.randint(18, 30))
    if prepared is None:
        return None
    text, font = prepared
    lines = wrap(text, font, size[0] - 24)
    step = round(font.size * 1.35)
    if step * len(lines) > size[1] - 16:
        return None
    under, ink = _board(talk.source, size, split)
    frames = []
    for k in range(count):
        shown, rows = round(len("".join(lines)) * (k + 1) / count), []
        for number, line in enumerate(lines):
            rows.append((12, 8 + step * number, line[:shown]))
            shown = max(0, shown - len(line))
        frames.append(_written(under, rows, font, ink))
    return Story(frames, [talk.turn("read", {}, text, text)], [])


def flashes(talk: ClipTalk, split: Split, count: int, size: Size) -> Story | None:
    """Words one after another in the middle, each for one frame or more."""
    source = talk.source
    language: Language = source.choice(("en", "zh"))
    number = source.randint(3, min(6, count))
    shown = texts.words(source, language, split, number)
    if any(first == second for first, second in pairwise(shown)):
        return None
    frames = _one_by_one(talk, split, shown, language, count, size)
    text = (" " if language == "en" else "，").join(shown)
    return None if frames is None else Story(frames, [talk.turn("words", {}, text, shown)], [])


def numbers(talk: ClipTalk, split: Split, count: int, size: Size) -> Story | None:
    """A count up, a count down, or numbers at random."""
    source = talk.source
    total = source.randint(3, min(8, count))
    start = source.randint(0, 90)
    shown = [str(start + k) for k in range(total)]
    way = source.choice(("up", "down", "random"))
    if way == "down":
        shown.reverse()
    elif way == "random":
        shown = [str(number) for number in source.sample(range(1000), total)]
    frames = _one_by_one(talk, split, shown, "en", count, size)
    if frames is None:
        return None
    found: list[Found] = [
        talk.turn("numbers", {}, ", ".join(shown), shown),
        talk.turn("last_number", {}, shown[-1], shown[-1]),
    ]
    return Story(frames, found, [])


def _one_by_one(talk: ClipTalk, split: Split, shown: list[str], language: Language, count: int, size: Size) -> list[Image.Image] | None:
    source = talk.source
    chosen = face(source, language, split, style="print", text="".join(shown))
    side = round(size[1] * source.uniform(0.14, 0.34))
    longest = max(chosen.at(side).getlength(each) for each in shown)
    side = min(side, int(side * (size[0] - 24) / longest))
    if side < 18 or not covers(chosen, "".join(shown)):
        return None
    font = chosen.at(side)
    under, ink = _board(source, size, split)
    starts = [0, *sorted(source.sample(range(1, count), len(shown) - 1))]
    frames = []
    for k in range(count):
        text = shown[sum(k >= start for start in starts) - 1]
        left, top, right, bottom = font.getbbox(text)
        corner = round((size[0] - right - left) / 2), round((size[1] - bottom - top) / 2)
        frames.append(_written(under, [(*corner, text)], font, ink))
    return frames


def _text(talk: ClipTalk, split: Split, side: int) -> tuple[str, ImageFont.FreeTypeFont] | None:
    """A sentence of 12 to 70 letters, and a face that has all of them."""
    language: Language = talk.source.choice(("en", "zh"))
    longest = 70 if language == "en" else 34
    for _ in range(12):
        text = texts.sentence(talk.source, language, split)
        if not 12 <= len(text) <= longest or "\n" in text:
            continue
        chosen = face(talk.source, language, split, style="print", text=text)
        if covers(chosen, text):
            return text, chosen.at(side)
    return None


def _board(source: random.Random, size: Size, split: Split) -> tuple[Image.Image, Rgb]:
    return readable_ink(source, ground(source, size, split))


def _written(under: Image.Image, rows: list[tuple[int, int, str]], font: ImageFont.FreeTypeFont, ink: Rgb) -> Image.Image:
    canvas = under.copy()
    draw = ImageDraw.Draw(canvas)
    for x, y, text in rows:
        draw.text((x, y), text, font=font, fill=ink)
    return canvas


TEXT_STORIES: dict[str, tuple[Teller, float]] = {
    "scrolls": (scrolls, 1.5),
    "typed": (typed, 0.8),
    "flashes": (flashes, 1.0),
    "numbers": (numbers, 1.0),
}
