"""Facts of the picture: it is decoded once, within limits, and measured; what can't be decoded is dropped here.

    Item.image --header: pixels--> refuse a bomb --decode--> width, height, contrast, hashes of pixels and of looks

Needs no model. Everything that later compares pictures uses these columns, never the picture again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import PIL.Image

from internvl.errors import MediaError
from internvl.media.image import FORMATS, MAX_PIXELS, image_size, open_image
from internvl.pipelines.clean.perceptual_hash import look_of
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.operator import ColumnType, Outcome, Resources, Work

_ANY_SIZE = 1 << 62


@dataclass(frozen=True)
class PictureFacts:
    """Operator: size, shape, contrast, and the hashes that find duplicates. max_pixels: more are refused from the header."""

    max_pixels: int = MAX_PIXELS
    name = "picture"
    resources = Resources()

    def columns(self) -> dict[str, ColumnType]:
        """content_hash: SHA-256 of the RGB pixels. phash, signature: see `perceptual_hash`; hexadecimal."""
        return {
            "width": "int",
            "height": "int",
            "pixels": "int",
            "aspect": "float",
            "format": "str",
            "contrast": "float",
            "content_hash": "str",
            "phash": "str",
            "signature": "str",
        }

    def settings(self) -> dict[str, Any]:
        """The limit of pixels, and the version of the hashes."""
        return {**asdict(self), "version": 1}

    def open(self) -> Work:
        """Nothing to load."""
        return self._work

    def _work(self, items: Sequence[Item]) -> list[Outcome]:
        return [self._measured(item) for item in items]

    def _measured(self, item: Item) -> Item | Drop:
        if item.image is None:
            return Drop("no picture: the sample has none")
        try:
            width, height = image_size(item.image, max_pixels=_ANY_SIZE)
        except MediaError as error:
            return Drop(f"unreadable picture: {error}")
        if width * height > self.max_pixels:
            limit = f"the limit is {self.max_pixels / 1e6:g} megapixels"
            return Drop(f"too many pixels: {width} x {height} = {width * height / 1e6:.1f} megapixels, {limit}")
        try:
            picture = open_image(item.image, max_pixels=self.max_pixels)
        except MediaError as error:
            return Drop(f"damaged picture: {error}")
        return item.with_fields(**_facts(picture), format=_format(item.image))


def content_hash(picture: PIL.Image.Image) -> str:
    """SHA-256 of size and RGB pixels: alike for two files of exactly one picture, whatever their formats and metadata."""
    digest = hashlib.sha256(f"{picture.width} {picture.height}\n".encode())
    digest.update(picture.tobytes())
    return digest.hexdigest()


def _facts(picture: PIL.Image.Image) -> dict[str, Any]:
    width, height = picture.size
    look = look_of(picture)
    return {
        "width": width,
        "height": height,
        "pixels": width * height,
        "aspect": round(max(width, height) / min(width, height), 6),
        "contrast": round(look.contrast, 6),
        "content_hash": content_hash(picture),
        "phash": None if look.hash is None else f"{look.hash:016x}",
        "signature": look.signature.hex(),
    }


def _format(content: bytes) -> str | None:
    """PNG, JPEG, ... by the first bytes; `open_image` has read it, so one of them fits."""
    prefix = content[:16]
    for name in FORMATS:
        accepts = PIL.Image.OPEN[name][1]
        if accepts is not None and accepts(prefix) is True:
            return name
    return None
