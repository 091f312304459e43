"""How a picture is brought to the square that a contrastive or probed encoder sees.

    RGB picture --crop or squash--> [S, S] --normalise--> float32[n, 3, S, S]
                --random_view, seeded--> a part of it, perhaps mirrored (training of a linear probe)

Sizes and offsets round as torchvision's Resize and CenterCrop do, which the original evaluation uses. EXIF turns are not applied.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence

import PIL.Image
from torch import Tensor

from internvl.errors import ConfigError
from internvl.media.image import open_image
from internvl.media.pixels import IMAGENET, normalise
from internvl.messages import Image

BICUBIC = PIL.Image.Resampling.BICUBIC
MIRROR = PIL.Image.Transpose.FLIP_LEFT_RIGHT


def view_pixels(
    images: Sequence[Image], mode: str, *, size: int, mean: Sequence[float] = IMAGENET.mean, std: Sequence[float] = IMAGENET.std
) -> Tensor:
    """float32[n, 3, size, size]. Raises MediaError for a picture that can't be opened, ConfigError for an unknown mode."""
    if mode not in VIEWS:
        raise ConfigError(f"a picture is shown as one of {', '.join(VIEWS)}, not {mode!r}")
    return normalise([VIEWS[mode](open_image(image.source, exif=False), size) for image in images], mean, std)


def squashed(image: PIL.Image.Image, size: int) -> PIL.Image.Image:
    """Both sides resized, whatever the shape."""
    return image.resize((size, size), BICUBIC)


def cropped(image: PIL.Image.Image, size: int) -> PIL.Image.Image:
    """The short side resized to `size` pixels, then the middle square."""
    width, height = image.size
    short = min(width, height)
    wide, high = (max(size, int(size * side / short)) for side in (width, height))
    resized = image.resize((wide, high), BICUBIC)
    left, top = round((wide - size) / 2.0), round((high - size) / 2.0)
    return resized.crop((left, top, left + size, top + size))


def random_view(image: PIL.Image.Image, draw: random.Random, *, smallest: float = 0.08, mirror: bool = True) -> PIL.Image.Image:
    """A random part, from `smallest` to all of the area and of sides 3:4 to 4:3, mirrored every other time (Inception's crop).

    It is not resized: squashed later, it becomes what a random resized crop is.
    """
    part = image.crop(_random_box(*image.size, draw, smallest))
    return part.transpose(MIRROR) if mirror and draw.random() < 0.5 else part


def _random_box(width: int, height: int, draw: random.Random, smallest: float) -> tuple[int, int, int, int]:
    for _ in range(10):
        area = width * height * draw.uniform(smallest, 1.0)
        ratio = math.exp(draw.uniform(math.log(3 / 4), math.log(4 / 3)))
        wide, high = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < wide <= width and 0 < high <= height:
            left, top = draw.randint(0, width - wide), draw.randint(0, height - high)
            return left, top, left + wide, top + high
    return _middle_box(width, height)


def _middle_box(width: int, height: int) -> tuple[int, int, int, int]:
    """What is taken from a picture too long for ten tries: its middle, as long as the ratio allows."""
    wide = max(1, min(width, round(height * 4 / 3)))
    high = max(1, min(height, round(width * 4 / 3)))
    left, top = (width - wide) // 2, (height - high) // 2
    return left, top, left + wide, top + high


VIEWS: Mapping[str, Callable[[PIL.Image.Image, int], PIL.Image.Image]] = {"crop": cropped, "squash": squashed}
