"""What spoils a picture, each by a strength of 0 (hardly seen) to 1 (useless), and how much it takes from the grade.

    (random source, picture) -> Spoilt(picture, grade, names)        grade = product over faults of (1 - weight x strength)

The strengths are spaced so that equal steps look about equally bad; that is the recipe's judgement, and what the score learns.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy
import PIL.Image
import PIL.ImageEnhance
import PIL.ImageFilter
from numpy.typing import NDArray
from PIL.Image import Resampling

MIX = ((1, 0.6), (2, 0.3), (3, 0.1))  # how many faults, how often


@dataclass(frozen=True)
class Spoilt:
    """A picture with its grade, 1 being flawless, and the faults that were put in."""

    picture: PIL.Image.Image
    grade: float
    faults: tuple[str, ...]


def spoilt(source: random.Random, picture: PIL.Image.Image, *, fault: str | None = None, strength: float | None = None) -> Spoilt:
    """The picture with one to three faults, or with the one that is named, in the order in which life adds them."""
    count = source.choices([number for number, _ in MIX], [share for _, share in MIX])[0]
    names = [fault] if fault else sorted(source.sample(list(FAULTS), count), key=list(FAULTS).index)
    grade = 1.0
    for name in names:
        spoil, weight = FAULTS[name]
        amount = source.random() if strength is None else strength
        picture, grade = spoil(source, picture, amount), grade * (1 - weight * amount)
    return Spoilt(picture, grade, tuple(names))


def _tilted(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    """Turned, with the empty corners left in."""
    angle = (2 + 16 * strength) * source.choice((-1, 1))
    return picture.rotate(angle, Resampling.BICUBIC, fillcolor=source.choice(((0, 0, 0), (255, 255, 255))))


def _barred(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    """Shrunk between black or white bars."""
    wide = source.random() < 0.5
    scale = 1 - (0.12 + 0.5 * strength)
    size = (picture.width, round(picture.height * scale)) if wide else (round(picture.width * scale), picture.height)
    ground = PIL.Image.new("RGB", picture.size, source.choice(("black", "white")))
    cut = ((picture.width - size[0]) // 2, (picture.height - size[1]) // 2)
    ground.paste(picture.crop((*cut, cut[0] + size[0], cut[1] + size[1])), cut)
    return ground


def _cropped(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    """A small part of a picture, enlarged back."""
    scale = 1 / (1.6 + 4.4 * strength)
    width, height = max(16, picture.width * scale), max(16, picture.height * scale)
    left, top = source.uniform(0, picture.width - width), source.uniform(0, picture.height - height)
    return picture.resize(picture.size, Resampling.BILINEAR, box=(left, top, left + width, top + height))


def _blurred(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    return picture.filter(PIL.ImageFilter.GaussianBlur(0.7 + 5 * strength**1.5))


def _shaken(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    """Moved during the exposure, along or across."""
    pixels = numpy.asarray(picture, dtype=numpy.float32)
    length, axis = round(4 + 26 * strength), source.choice((0, 1))
    sums = numpy.cumsum(numpy.pad(pixels, [(length, 0) if side == axis else (0, 0) for side in range(3)], mode="edge"), axis=axis)
    far = numpy.take(sums, range(length, sums.shape[axis]), axis=axis)
    near = numpy.take(sums, range(sums.shape[axis] - length), axis=axis)
    return _picture((far - near) / length)


def _enlarged(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    """A tiny picture made large: smooth, or in squares."""
    factor = 1.6 + 7 * strength
    small = picture.resize((max(8, round(picture.width / factor)), max(8, round(picture.height / factor))), Resampling.BOX)
    return small.resize(picture.size, source.choice((Resampling.BICUBIC, Resampling.BILINEAR, Resampling.NEAREST)))


def _noisy(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    generator, channels = numpy.random.default_rng(source.getrandbits(63)), source.choice((1, 3))
    grain = generator.normal(0, 5 + 45 * strength, (picture.height, picture.width, channels))
    return _picture(numpy.asarray(picture, dtype=numpy.float32) + grain)


def _flat(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    """Little contrast: greys around a level."""
    level, keep = source.uniform(70, 200), 0.75 - 0.65 * strength
    return picture.point([round(level + (value - level) * keep) for value in range(256)] * 3)


def _burnt(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    """Too much light: what was bright is white."""
    gain = 1.35 + 2.6 * strength
    return picture.point([min(255, round(value * gain + 20 * strength)) for value in range(256)] * 3)


def _dark(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    gain = 0.6 - 0.52 * strength
    return picture.point([round(value * gain) for value in range(256)] * 3)


def _tinted(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    """A wrong white: one colour too much, another too little."""
    gains = [1 + 0.35 * strength + 0.08, 1.0, 1 - 0.6 * strength - 0.08]
    source.shuffle(gains)
    return picture.point([min(255, round(value * gain)) for gain in gains for value in range(256)])


def _garish(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    """Colours and contrast turned up."""
    return PIL.ImageEnhance.Contrast(PIL.ImageEnhance.Color(picture).enhance(1.8 + 3 * strength)).enhance(1.2 + 1.2 * strength)


def _banded(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    """Few levels, so that skies come in steps."""
    levels = round(14 - 11 * strength)
    return picture.point([round(round(value / 255 * (levels - 1)) * 255 / (levels - 1)) for value in range(256)] * 3)


def _compressed(source: random.Random, picture: PIL.Image.Image, strength: float) -> PIL.Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=round(42 - 39 * strength))
    return PIL.Image.open(file).convert("RGB")


def _picture(pixels: NDArray[numpy.floating]) -> PIL.Image.Image:  # type: ignore[type-arg]
    return PIL.Image.fromarray(numpy.clip(pixels + 0.5, 0, 255).astype(numpy.uint8))


# In the order in which they happen; the weight is what the strongest takes from the grade.
FAULTS: dict[str, tuple[Callable[[random.Random, PIL.Image.Image, float], PIL.Image.Image], float]] = {
    "tilt": (_tilted, 0.5),
    "cut-out": (_cropped, 0.85),
    "blur": (_blurred, 0.95),
    "shake": (_shaken, 0.95),
    "low contrast": (_flat, 0.85),
    "overexposure": (_burnt, 0.9),
    "darkness": (_dark, 0.9),
    "colour cast": (_tinted, 0.65),
    "garish": (_garish, 0.6),
    "noise": (_noisy, 0.95),
    "enlarged": (_enlarged, 0.95),
    "bands": (_banded, 0.8),
    "bars": (_barred, 0.5),
    "JPEG": (_compressed, 0.95),
}
