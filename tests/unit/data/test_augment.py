"""JPEG recompression: small, random within its range, and repeatable."""

from __future__ import annotations

import random

import numpy as np
import PIL.Image
import PIL.ImageChops

from internvl.data.augment import HIGHEST_QUALITY, JPEG_MAX_SIDE, LOWEST_QUALITY, recompressed


def noise(width: int = 64, height: int = 48) -> PIL.Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return PIL.Image.fromarray(values)


def difference(one: PIL.Image.Image, other: PIL.Image.Image) -> float:
    return float(np.asarray(PIL.ImageChops.difference(one, other)).mean())


def test_size_and_mode_stay() -> None:
    copy = recompressed(noise(), random.Random(1))
    assert (copy.size, copy.mode) == ((64, 48), "RGB")


def test_pixels_change_and_the_seed_decides_how() -> None:
    image = noise()
    copies = [recompressed(image, random.Random(seed)) for seed in (1, 1, 2)]
    assert copies[0].tobytes() == copies[1].tobytes() != copies[2].tobytes()
    assert 0 < difference(image, copies[0]) < 60


def test_qualities_are_the_whole_range() -> None:
    class Recorder(random.Random):
        drawn: tuple[int, int] | None = None

        def randint(self, a: int, b: int) -> int:
            self.drawn = (a, b)
            return super().randint(a, b)

    source = Recorder(3)
    recompressed(noise(), source)
    assert source.drawn == (LOWEST_QUALITY, HIGHEST_QUALITY) == (75, 100)


def test_a_picture_too_long_for_jpeg_stays_as_it_is() -> None:
    strip = PIL.Image.new("RGB", (JPEG_MAX_SIDE + 1, 1))
    assert recompressed(strip, random.Random(0)) is strip
    assert recompressed(PIL.Image.new("RGB", (JPEG_MAX_SIDE, 1)), random.Random(0)).size == (JPEG_MAX_SIDE, 1)
