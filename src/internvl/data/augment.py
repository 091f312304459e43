"""What is done to a training picture before it is cut into tiles: RGB picture -> RGB picture of the same size.

Only JPEG recompression, as in the released runs, on data sets whose manifest entry has `data_augment`. It is done once to the whole
picture, so that a picture keeps one quality over all its tiles; the released loader draws a quality for each tile.
"""

from __future__ import annotations

import io
import random

import PIL.Image

LOWEST_QUALITY, HIGHEST_QUALITY = 75, 100
JPEG_MAX_SIDE = 65_500
"""The longest side a JPEG file can have, in pixels."""


def recompressed(image: PIL.Image.Image, source: random.Random) -> PIL.Image.Image:
    """The RGB picture as it looks after a JPEG file of a quality drawn uniformly from 75...100.

    A picture with a side that no JPEG can have is returned as it is.
    """
    quality = source.randint(LOWEST_QUALITY, HIGHEST_QUALITY)
    if max(image.size) > JPEG_MAX_SIDE:
        return image
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=quality)
    file.seek(0)
    copy = PIL.Image.open(file)
    copy.load()
    return copy
