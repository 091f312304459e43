"""What happens to a clean picture in life: it is printed, photographed, shaded, shrunk, blurred, recompressed.

    image -> paper -> shadow -> warp (skew, perspective, a sheet on a table) -> gamma -> blur -> low resolution -> noise -> JPEG

Every step is decided by the random source. strength 0 leaves the picture alone, 1 is as bad as still can be read; text_px, the height
of the smallest text, bounds what takes detail away. Boxes go the way of the picture.
"""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from recipes.nano.data.backgrounds import clouds, mean_colour, texture
from recipes.nano.data.layout_text import Box
from recipes.nano.data.sample import Split

# Text below this many px can't be told apart, whatever is done about it.
SMALLEST_TEXT = 8.5
# Text below this many px is warped with the sharper filter, which takes more than twice as long.
SHARP_TEXT = 14
# 256 equally likely values of a normal distribution: numbers are drawn as bytes, ten times as fast.
_BELL = np.array([NormalDist().inv_cdf((place + 0.5) / 256) for place in range(256)], dtype=np.float32)


def degrade(
    image: Image.Image, source: random.Random, *, strength: float, text_px: float = 20.0, split: Split = "train"
) -> Image.Image:
    """The picture after life has been at it, of the same size."""
    return degrade_with_map(image, source, strength=strength, text_px=text_px, split=split)[0]


def degrade_with_boxes(
    image: Image.Image, boxes: Sequence[Box], source: random.Random, strength: float, *, text_px: float = 20.0, split: Split = "train"
) -> tuple[Image.Image, list[Box]]:
    """The picture and where the boxes went."""
    image, warp = degrade_with_map(image, source, strength=strength, text_px=text_px, split=split)
    return image, [warp.box(box) for box in boxes]


def degrade_with_map(
    image: Image.Image, source: random.Random, *, strength: float, text_px: float = 20.0, split: Split = "train"
) -> tuple[Image.Image, Warp]:
    """The picture and the map that its points went through."""
    image = image.convert("RGB")
    warp = Warp.still(image.size)
    if strength <= 0:
        return image, warp
    if source.random() < 0.5 * strength:
        image = _paper(image, source, strength)
    if source.random() < 0.4 * strength:
        image = _shadow(image, source, strength)
    if source.random() < 0.6 * strength:
        warp = _photograph(source, image.size, strength)
        image = warp.picture(image, _surroundings(image, source, split), sharp=text_px < SHARP_TEXT)
    return finish(image, source, strength=strength, text_px=text_px), warp


def finish(image: Image.Image, source: random.Random, *, strength: float, text_px: float) -> Image.Image:
    """The steps that move nothing: light, sharpness, noise, compression."""
    if source.random() < 0.6 * strength:
        image = _gamma(image, source, strength)
    loss = source.random()
    if loss < 0.35 * strength:
        image = image.filter(ImageFilter.GaussianBlur(source.uniform(0.2, 1.0) * strength * min(0.04 * text_px, 1.6)))
    elif loss < 0.7 * strength:
        image = _low_resolution(image, source, strength, text_px)
    if source.random() < 0.5 * strength:
        image = _noise(image, source, strength * min(1.0, text_px / 16))
    if source.random() < 0.6 * strength:
        image = _jpeg(image, source, strength, text_px)
    return image


@dataclass(frozen=True)
class Warp:
    """A projective map of points of a picture onto a picture of `size`."""

    matrix: NDArray[np.float64]
    size: tuple[int, int]

    @classmethod
    def still(cls, size: tuple[int, int]) -> Warp:
        return cls(np.eye(3), size)

    @classmethod
    def turned(cls, size: tuple[int, int], degrees: float, about: tuple[float, float]) -> Warp:
        """Turned clockwise, as seen, about a point."""
        cos, sin = float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))
        x, y = about
        return cls(np.array([[cos, -sin, x - cos * x + sin * y], [sin, cos, y - sin * x - cos * y], [0, 0, 1]]), size)

    @classmethod
    def onto(cls, size: tuple[int, int], corners: Sequence[tuple[float, float]]) -> Warp:
        """The picture's corners (from the upper left, clockwise) go to these points."""
        width, height = size
        rows, right = [], []
        for (x, y), (u, v) in zip(((0, 0), (width, 0), (width, height), (0, height)), corners, strict=True):
            rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
            right += [u, v]
        solved = np.linalg.solve(np.array(rows, dtype=np.float64), np.array(right, dtype=np.float64))
        return cls(np.append(solved, 1.0).reshape(3, 3), size)

    def then(self, other: Warp) -> Warp:
        return Warp(other.matrix @ self.matrix, other.size)

    @property
    def is_still(self) -> bool:
        return bool(np.array_equal(self.matrix, np.eye(3)))

    def point(self, x: float, y: float) -> tuple[float, float]:
        u, v, w = self.matrix @ np.array([x, y, 1.0])
        return float(u / w), float(v / w)

    def box(self, box: Box) -> Box:
        """The upright box around the moved corners, within the picture."""
        x1, y1, x2, y2 = box
        xs, ys = zip(*(self.point(x, y) for x in (x1, x2) for y in (y1, y2)), strict=True)
        width, height = self.size
        return max(min(xs), 0.0), max(min(ys), 0.0), min(max(xs), float(width)), min(max(ys), float(height))

    def picture(self, image: Image.Image, backdrop: Image.Image | int | None = None, *, sharp: bool = True) -> Image.Image:
        """The moved picture; on a backdrop of the same size, or with a plain value around it."""
        if self.is_still:
            return image
        inverse = np.linalg.inv(self.matrix)
        data = tuple((inverse / inverse[2, 2]).flatten()[:8])
        perspective = Image.Transform.PERSPECTIVE
        smooth = Image.Resampling.BICUBIC if sharp else Image.Resampling.BILINEAR
        if not isinstance(backdrop, Image.Image):
            return image.transform(self.size, perspective, data, smooth, fillcolor=backdrop)
        moved = image.transform(self.size, perspective, data, smooth)
        return Image.composite(moved, backdrop, self._cover(image.size))

    def _cover(self, size: tuple[int, int]) -> Image.Image:
        """Which pixels a picture of this size covers for certain: all but its outermost two."""
        width, height = size
        corners = [self.point(x, y) for x, y in ((2, 2), (width - 2, 2), (width - 2, height - 2), (2, height - 2))]
        cover = Image.new("L", self.size, 0)
        ImageDraw.Draw(cover).polygon([(x - 0.5, y - 0.5) for x, y in corners], fill=255)
        return cover


def _generator(source: random.Random) -> np.random.Generator:
    return np.random.default_rng(source.getrandbits(63))


def _times(image: Image.Image, light: NDArray[np.float32], tint: Sequence[float] = (1, 1, 1)) -> Image.Image:
    """The RGB picture under a light of 0 to 1, spread over it, and of a colour; in whole numbers. light: [rows, columns]."""
    plane = Image.fromarray((255 * light + 0.5).astype(np.uint8)).resize(image.size, Image.Resampling.BILINEAR)
    bands = [plane.point([round(value * part) for value in range(256)]) if part != 1 else plane for part in tint]
    return ImageChops.multiply(image, Image.merge("RGB", bands))


def _part(size: tuple[int, int], times: int) -> tuple[int, int]:
    """A size so many times smaller: what changes slowly over a picture is drawn small."""
    return max(1, size[0] // times), max(1, size[1] // times)


def _paper(image: Image.Image, source: random.Random, strength: float) -> Image.Image:
    """Fibres and a tint: the picture as printed on paper that is not quite white."""
    fibre = clouds(source, _part(image.size, 2), cells=source.choice((30, 60, 120)), octaves=2)
    depth = source.uniform(0.04, 0.16) * strength
    tint = [1 - source.uniform(0, most) * strength for most in (0.05, 0.08, 0.2)]
    return _times(image, 1 - depth * fibre, tint)


def _shadow(image: Image.Image, source: random.Random, strength: float) -> Image.Image:
    """A soft dark side, or blots of shade."""
    width, height = _part(image.size, 4)
    depth = source.uniform(0.15, 0.5) * strength
    if source.random() < 0.5:
        shade = clouds(source, (width, height), cells=3, octaves=1)
    else:
        angle = source.uniform(0, 6.283)
        x, y = np.linspace(-1, 1, width, dtype=np.float32)[None, :], np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        slope = source.uniform(1, 8)
        # exp(a + b) is exp(a) exp(b): one for each row and column will do.
        across, down = np.exp(-slope * x * np.cos(angle)), np.exp(-slope * (y * np.sin(angle) + source.uniform(-0.7, 0.7)))
        shade = 1 / (1 + (across * down).astype(np.float32))
    return _times(image, 1 - depth * shade)


def _photograph(source: random.Random, size: tuple[int, int], strength: float) -> Warp:
    """A sheet seen from a little aside: each corner moves inwards, so that nothing is lost."""
    width, height = size
    reach = 0.06 * strength
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = ((source.uniform(0, reach) * width, source.uniform(0, reach) * height) for _ in range(4))
    return Warp.onto(size, ((x1, y1), (width - x2, y2), (width - x3, height - y3), (x4, height - y4)))


def _surroundings(image: Image.Image, source: random.Random, split: Split) -> Image.Image:
    """What lies around the sheet: a table, or more of the paper."""
    if source.random() < 0.6:
        return texture(source, image.size, split)
    return Image.new("RGB", image.size, mean_colour(image))


def _gamma(image: Image.Image, source: random.Random, strength: float) -> Image.Image:
    """Exposure by a table, one for each colour so that the white balance drifts too."""
    gamma = 2 ** (source.uniform(-0.7, 0.7) * strength)
    low, high = source.uniform(0, 40) * strength, 255 - source.uniform(0, 40) * strength
    ramp = np.linspace(0, 1, 256) ** gamma
    casts = [1 - source.uniform(0, 0.08) * strength for _ in range(3)]
    table = [round(float(value)) for cast in casts for value in (low + (high - low) * ramp) * cast]
    return image.point(table)


def _low_resolution(image: Image.Image, source: random.Random, strength: float, text_px: float) -> Image.Image:
    smallest = min(1.0, max(SMALLEST_TEXT / text_px, 1 - 0.7 * strength))
    factor = source.uniform(smallest, 1.0)
    small = image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))), Image.Resampling.BILINEAR)
    return small.resize(image.size, source.choice((Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.NEAREST)))


def _noise(image: Image.Image, source: random.Random, strength: float) -> Image.Image:
    """Grain: grey or coloured."""
    generator, depth = _generator(source), source.uniform(2, 22) * strength
    channels = 3 if source.random() < 0.5 else 1
    chosen = generator.integers(0, 256, (image.height, image.width, channels), dtype=np.uint8)
    grain = np.round(depth * _BELL).astype(np.int16)[chosen]
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def _jpeg(image: Image.Image, source: random.Random, strength: float, text_px: float) -> Image.Image:
    lowest = 90 - 65 * strength * min(1.0, text_px / 18)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=round(source.uniform(lowest, 95)))
    file.seek(0)
    return Image.open(file).convert("RGB")
