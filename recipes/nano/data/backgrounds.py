"""What text stands on: plain, gradient, textured and photo-like grounds, and inks that can be read on them.

    (source, size, split) -> ground -> picture;  picture -> readable_ink -> (picture, colour)

Textures are made once for each process, every one from its own number, so that a picture depends on its seed alone; the numbers, hence
the textures, of the splits differ.
"""

from __future__ import annotations

import colorsys
import random
from functools import lru_cache
from itertools import count
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from recipes.nano.data.sample import Split

Colour: TypeAlias = tuple[int, int, int]
Ground: TypeAlias = Literal["plain", "gradient", "texture", "photo"]
TEXTURES: dict[Split, range] = {"train": range(24), "val": range(24, 28), "test": range(28, 32)}
TEXTURE_SIDE = 512
# The light of each of the 256 values of a colour.
_LIGHT = (np.arange(256, dtype=np.float32) / 255) ** 2.4
# The least contrast of ink and ground (as WCAG counts it); 3 is what large text needs at least.
LEAST_CONTRAST = 3.2
# So often a ground is drawn towards its own mean; one whose mean suits no ink is then drawn towards black or white.
CALMING = 6


def ground(
    source: random.Random, size: tuple[int, int], split: Split, *, kind: Ground | None = None, dark: bool | None = None
) -> Image.Image:
    """A picture to write on. dark: True for light text on dark, None for either."""
    kind = kind or source.choices(("plain", "gradient", "texture", "photo"), (0.45, 0.2, 0.2, 0.15))[0]
    dark = source.random() < 0.25 if dark is None else dark
    if kind == "plain":
        return Image.new("RGB", size, colour(source, dark=dark))
    if kind == "gradient":
        return _gradient(source, size, dark)
    grain = texture(source, size, split)
    if kind == "photo":
        return grain
    return Image.blend(Image.new("RGB", size, colour(source, dark=dark)), grain, source.uniform(0.06, 0.3))


def texture(source: random.Random, size: tuple[int, int], split: Split) -> Image.Image:
    """A piece of one of the split's textures, turned and scaled."""
    whole = _texture(source.choice(TEXTURES[split]))
    width, height = size
    scale = max(width / TEXTURE_SIDE, height / TEXTURE_SIDE, source.choice((0.5, 1.0)))
    window = min(TEXTURE_SIDE, max(1, round(width / scale))), min(TEXTURE_SIDE, max(1, round(height / scale)))
    left, top = source.randint(0, TEXTURE_SIDE - window[0]), source.randint(0, TEXTURE_SIDE - window[1])
    return whole.resize(size, Image.Resampling.BILINEAR, box=(left, top, left + window[0], top + window[1]))


def colour(source: random.Random, *, dark: bool) -> Colour:
    """Any colour of that kind; often white and near white, black and near black."""
    if source.random() < 0.4:
        value = source.randint(0, 45) if dark else source.randint(232, 255)
        return tuple(min(255, max(0, value + source.randint(-6, 6))) for _ in range(3))  # type: ignore[return-value]
    hue, saturation = source.random(), source.random() * (0.9 if dark else 0.55)
    return _rgb(hue, saturation, source.uniform(0.05, 0.4) if dark else source.uniform(0.75, 1.0))


def readable_ink(
    source: random.Random,
    picture: Image.Image,
    *,
    area: tuple[float, float, float, float] | None = None,
    contrast: float = LEAST_CONTRAST,
) -> tuple[Image.Image, Colour]:
    """A colour that can be read anywhere in the area (x1, y1, x2, y2), and the picture, calmed down if there was none."""
    box = tuple(round(edge) for edge in area) if area else None
    for attempt in count():
        low, high = _range_of_light(picture.crop(box) if box else picture)  # type: ignore[arg-type]
        for ink in _inks(source, prefer_dark=low + high > 0.36):
            light = luminance(ink)
            if min(contrast_of(light, low), contrast_of(light, high)) >= contrast:
                return picture, ink
        calm = mean_colour(picture) if attempt < CALMING else (255, 255, 255) if low + high > 0.36 else (0, 0, 0)
        picture = Image.blend(picture, Image.new("RGB", picture.size, calm), 0.45)
    raise AssertionError("blending ends at black or white, which some ink can be read on")


def least_contrast(text_px: float) -> float:
    """Small text needs more of it."""
    return LEAST_CONTRAST if text_px >= 18 else 4.5


def luminance(ink: Colour) -> float:
    red, green, blue = (((value / 255) + 0.055) / 1.055 if value > 10 else 0.05 for value in ink)
    return float(0.2126 * red**2.4 + 0.7152 * green**2.4 + 0.0722 * blue**2.4)


def contrast_of(one: float, other: float) -> float:
    """The contrast ratio of two luminances, 1 to 21."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def mean_colour(picture: Image.Image) -> Colour:
    """The mean of an RGB picture."""
    return picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[return-value]


def clouds(source: random.Random, size: tuple[int, int], *, cells: int, octaves: int) -> NDArray[np.float32]:
    """Smooth noise of 0 to 1, [height, width]; cells: how many bumps along the longer side in the coarsest octave."""
    width, height = size
    generator = np.random.default_rng(source.getrandbits(63))
    total = np.zeros((height, width), dtype=np.float32)
    for octave in range(octaves):
        count = cells * 2**octave
        rows, columns = max(2, round(count * height / max(size))), max(2, round(count * width / max(size)))
        coarse = Image.fromarray(generator.integers(0, 256, (rows, columns), dtype=np.uint8))
        total += np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), dtype=np.float32) / 255 / 2**octave
    return total / (2 - 2.0 ** (1 - octaves))


def _rgb(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _inks(source: random.Random, *, prefer_dark: bool) -> list[Colour]:
    """Colours to try, the last two being black and white."""
    if source.random() < 0.35:
        usual = source.randint(0, 50) if prefer_dark else source.randint(225, 255)
        first = [(usual, usual, usual)]
    else:
        first = []
    tries = [
        _rgb(source.random(), source.random(), source.uniform(0, 0.75) if prefer_dark else source.uniform(0.6, 1)) for _ in range(6)
    ]
    last: list[Colour] = [(0, 0, 0), (255, 255, 255)]
    return [*first, *tries, *(last if prefer_dark else last[::-1])]


def _range_of_light(picture: Image.Image) -> tuple[float, float]:
    """The luminance of the darker and the lighter parts: 3 in 100 are still darker, 3 lighter."""
    small = np.asarray(picture.reduce(max(1, min(picture.size) // 20)))
    light = np.sort((_LIGHT[small] @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)).ravel())
    return float(light[round(0.03 * (light.size - 1))]), float(light[round(0.97 * (light.size - 1))])


def _gradient(source: random.Random, size: tuple[int, int], dark: bool) -> Image.Image:
    """Two or four corners' colours, run into each other."""
    first, second = colour(source, dark=dark), colour(source, dark=dark)
    corners = [first, second, first, second] if source.random() < 0.5 else [first, first, second, second]
    if source.random() < 0.3:
        corners = [first, second, colour(source, dark=dark), colour(source, dark=dark)]
    return Image.fromarray(np.array(corners, dtype=np.uint8).reshape(2, 2, 3)).resize(size, Image.Resampling.BILINEAR)


@lru_cache(maxsize=32)
def _texture(number: int) -> Image.Image:
    """Texture `number`: by turns paper, scenery, cloth, stone and wood."""
    source = random.Random(f"texture {number}")
    return (_paper, _scenery, _cloth, _stone, _wood, _scenery)[number % 6](source)


def _coloured(shade: NDArray[np.float32], first: Colour, second: Colour) -> Image.Image:
    """A shade of 0 to 1 as colours from the first to the second."""
    one, two = np.array(first, dtype=np.float32), np.array(second, dtype=np.float32)
    mixed = one + (two - one) * np.clip(shade, 0, 1)[..., None]
    return Image.fromarray(mixed.astype(np.uint8))


def _square() -> tuple[int, int]:
    return TEXTURE_SIDE, TEXTURE_SIDE


def _paper(source: random.Random) -> Image.Image:
    shade = 0.6 * clouds(source, _square(), cells=100, octaves=2) + 0.4 * clouds(source, _square(), cells=4, octaves=2)
    base = _rgb(source.uniform(0.08, 0.16), source.uniform(0.02, 0.3), 0.97)
    return _coloured(shade, base, tuple(int(0.85 * value) for value in base))  # type: ignore[arg-type]


def _scenery(source: random.Random) -> Image.Image:
    """Blurred colours with a few soft-edged things, as what lies out of focus."""
    generator = np.random.default_rng(source.getrandbits(63))
    cells = source.randint(3, 7)
    coarse = generator.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    # What is blurred can be drawn half as large.
    side = TEXTURE_SIDE // 2
    picture = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC), dtype=np.float32)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    for _ in range(source.randint(4, 14)):
        middle, reach = (source.random(), source.random()), (source.uniform(0.03, 0.3), source.uniform(0.03, 0.3))
        distance = ((x - middle[0]) / reach[0]) ** 2 + ((y - middle[1]) / reach[1]) ** 2
        cover = 1 / (1 + np.exp(np.clip(source.uniform(4, 30) * (distance - 1), -30, 30)))
        picture += (
            (np.array(_rgb(source.random(), source.random(), source.random()), dtype=np.float32) - picture) * cover[..., None] * 0.8
        )
    # Life is less colourful than chance.
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * source.uniform(0.15, 0.8)
    large = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).resize(_square(), Image.Resampling.BILINEAR)
    picture = np.asarray(large) + 24 * (clouds(source, _square(), cells=60, octaves=3)[..., None] - 0.5)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def _cloth(source: random.Random) -> Image.Image:
    y, x = np.mgrid[0:TEXTURE_SIDE, 0:TEXTURE_SIDE].astype(np.float32)
    step = source.uniform(0.15, 1.1)
    weave = 0.25 * (np.sin(step * x) + np.sin(step * y)) + 0.5
    first = _rgb(source.random(), source.uniform(0.1, 0.7), source.uniform(0.3, 0.9))
    second = _rgb(source.random(), source.uniform(0.1, 0.7), source.uniform(0.3, 0.9))
    return _coloured(0.7 * weave + 0.3 * clouds(source, _square(), cells=8, octaves=3), first, second)


def _stone(source: random.Random) -> Image.Image:
    shade = clouds(source, _square(), cells=source.randint(5, 16), octaves=5)
    grey = source.uniform(0.3, 0.9)
    return _coloured(1.6 * shade - 0.3, _rgb(source.random(), 0.12, grey), _rgb(source.random(), 0.15, grey * 0.6))


def _wood(source: random.Random) -> Image.Image:
    y, x = np.mgrid[0:TEXTURE_SIDE, 0:TEXTURE_SIDE].astype(np.float32) / TEXTURE_SIDE
    bend = clouds(source, _square(), cells=3, octaves=2)
    rings = 0.5 + 0.5 * np.sin(source.uniform(30, 90) * (y + 0.25 * bend) + 2 * x)
    shade = 0.6 * rings + 0.4 * clouds(source, _square(), cells=50, octaves=2)
    light = _rgb(source.uniform(0.05, 0.1), source.uniform(0.3, 0.6), source.uniform(0.5, 0.85))
    return _coloured(shade, light, tuple(int(0.7 * value) for value in light))  # type: ignore[arg-type]
