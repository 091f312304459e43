"""Pictures to calibrate on when nobody gives any: drawn from a seed, with what documents, signs and photographs have in them.

seed -> [(RGB picture, question)]: lines of text in many sizes, tables, charts, shapes, gradients, noise
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

QUESTIONS = (
    "Describe the picture.",
    "What does the sign say?",
    "Read all text in the picture.",
    "What is the total?",
    "How many shapes are there?",
    "图中写着什么？",
    "What colour is the largest shape?",
    "请描述这张图片。",
    "What number is this?",
    "Which bar is the highest?",
)
_SIZES = ((448, 448), (640, 320), (320, 640), (800, 600), (448, 896), (224, 224))
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "ki", "lo", "mu", "ne", "po", "ra", "se", "ti", "vo", "wa", "xi", "the", "in")
_Box = tuple[int, int, int, int]


def calibration_pictures(count: int, *, seed: int) -> list[tuple[PIL.Image.Image, str]]:
    """`count` pictures with a question each; the same for the same seed."""
    draws = random.Random(seed)
    painters: Sequence[Callable[[random.Random, PIL.ImageDraw.ImageDraw, _Box], None]] = (_words, _shapes, _table, _bars)
    pictures = []
    for number in range(count):
        picture = _ground(draws, _SIZES[number % len(_SIZES)])
        painters[number % len(painters)](draws, PIL.ImageDraw.Draw(picture), (0, 0, *picture.size))
        pictures.append((picture, QUESTIONS[number % len(QUESTIONS)]))
    return pictures


def _ground(draws: random.Random, size: tuple[int, int]) -> PIL.Image.Image:
    """Plain, a gradient, or soft noise such as a photograph has."""
    width, height = size
    first, second = numpy.array(_colour(draws), float), numpy.array(_colour(draws), float)
    kind = draws.randrange(3)
    if kind == 0:
        return PIL.Image.new("RGB", size, tuple(int(value) for value in first))
    slope = numpy.linspace(0, 1, height)[:, None, None] * numpy.ones((1, width, 1))
    pixels = first * (1 - slope) + second * slope
    if kind == 2:
        noise = numpy.random.default_rng(draws.randrange(1 << 30)).normal(0, 40, (height // 8 + 1, width // 8 + 1, 3))
        pixels = pixels + noise.repeat(8, 0).repeat(8, 1)[:height, :width]
    return PIL.Image.fromarray(pixels.clip(0, 255).astype(numpy.uint8))


def _words(draws: random.Random, pen: PIL.ImageDraw.ImageDraw, box: _Box) -> None:
    top = box[1] + 8
    while top < box[3] - 20:
        size = draws.choice((14, 18, 24, 36, 56))
        text = " ".join(_word(draws) for _ in range(draws.randint(1, 6)))
        pen.text((box[0] + draws.randint(4, 40), top), text, fill=_ink(draws), font=PIL.ImageFont.load_default(size))
        top += size + draws.randint(4, 30)


def _shapes(draws: random.Random, pen: PIL.ImageDraw.ImageDraw, box: _Box) -> None:
    for _ in range(draws.randint(2, 9)):
        left, top = draws.randint(box[0], box[2] - 40), draws.randint(box[1], box[3] - 40)
        corners = (left, top, left + draws.randint(20, 160), top + draws.randint(20, 160))
        draw = draws.choice((pen.ellipse, pen.rectangle))
        draw(corners, fill=_colour(draws), outline=_ink(draws), width=draws.randint(1, 4))
    _words(draws, pen, (box[0], box[3] - 70, box[2], box[3]))


def _table(draws: random.Random, pen: PIL.ImageDraw.ImageDraw, box: _Box) -> None:
    font = PIL.ImageFont.load_default(16)
    pen.rectangle((box[0] + 8, box[1] + 8, box[2] - 8, box[3] - 8), fill="white", outline="black")
    for top in range(box[1] + 16, box[3] - 30, 26):
        pen.text((box[0] + 16, top), f"{_word(draws)} {_word(draws)}", fill="black", font=font)
        pen.text((box[2] - 80, top), f"{draws.uniform(0, 900):.2f}", fill="black", font=font)
        pen.line((box[0] + 8, top + 22, box[2] - 8, top + 22), fill="grey")


def _bars(draws: random.Random, pen: PIL.ImageDraw.ImageDraw, box: _Box) -> None:
    font = PIL.ImageFont.load_default(14)
    for left in range(box[0] + 20, box[2] - 40, 60):
        top = draws.randint(box[1] + 20, box[3] - 60)
        pen.rectangle((left, top, left + 40, box[3] - 30), fill=_colour(draws), outline="black")
        pen.text((left, box[3] - 24), _word(draws), fill=_ink(draws), font=font)
        pen.text((left, top - 18), str(draws.randint(1, 999)), fill=_ink(draws), font=font)


def _word(draws: random.Random) -> str:
    text = "".join(draws.choice(_SYLLABLES) for _ in range(draws.randint(1, 4)))
    return draws.choice((text, text.upper(), text.title(), str(draws.randint(0, 99999))))


def _colour(draws: random.Random) -> tuple[int, int, int]:
    return draws.randint(0, 255), draws.randint(0, 255), draws.randint(0, 255)


def _ink(draws: random.Random) -> tuple[int, int, int]:
    return draws.choice(((0, 0, 0), (255, 255, 255), (180, 20, 20), (20, 60, 180), (20, 110, 40)))
