"""What can be wrong with a picture's file: planted one at a time, decided by a random source.

(random source, file's bytes) -> Planted(bytes, ending, detail)
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from benchmarks.data_engine.drawn import encoded
from benchmarks.data_engine.watermarks import watermarked
from PIL import Image, ImageEnhance, ImageFilter

BOMB_SIDES = (20_000, 10_000)


@dataclass(frozen=True)
class Planted:
    """A picture's file after something was done to it. ending: of its name, with the dot."""

    content: bytes
    ending: str
    detail: dict[str, Any] = field(default_factory=dict)


def watermark(source: random.Random, content: bytes) -> Planted:
    marked, kind = watermarked(source, _opened(content))
    return _as_jpeg(source, marked, mark=kind)


def re_encoded(source: random.Random, content: bytes) -> Planted:
    """The same pixels in a file of other bytes."""
    picture, buffer = _opened(content), io.BytesIO()
    if source.random() < 0.5:
        picture.save(buffer, format="PNG", compress_level=source.choice((4, 5)))
        return Planted(buffer.getvalue(), ".png", {"as": "PNG"})
    picture.save(buffer, format="WEBP", lossless=True, quality=20, method=2)
    return Planted(buffer.getvalue(), ".webp", {"as": "lossless WebP"})


def nearly(source: random.Random, content: bytes) -> Planted:
    """The picture after one of the things that happen to copies: worse JPEG, another size, a thin crop, slightly other colours."""
    picture, kind = _opened(content), source.choice(("jpeg", "resized", "cropped", "coloured"))
    if kind == "jpeg":
        quality = source.randint(35, 70)
        return Planted(encoded(picture, "JPEG", quality=quality), ".jpg", {"change": kind, "quality": quality})
    if kind == "resized":
        scale = source.uniform(0.6, 1.5)
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)
        return _as_jpeg(source, picture, change=kind, scale=round(scale, 3))
    if kind == "cropped":
        left, top, right, bottom = (source.uniform(0.0, 0.05) for _ in range(4))
        width, height = picture.size
        picture = picture.crop((round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height)))
        return _as_jpeg(source, picture, change=kind, share=round(1 - (1 - left - right) * (1 - top - bottom), 3))
    for effect in (ImageEnhance.Brightness, ImageEnhance.Color, ImageEnhance.Contrast):
        picture = effect(picture).enhance(source.uniform(0.85, 1.15))
    return _as_jpeg(source, picture, change=kind)


def truncated(source: random.Random, content: bytes) -> Planted:
    """A download that broke off: the header is sound, a part of the pixels is missing."""
    picture = _opened(content)
    whole = encoded(picture, "JPEG", quality=90) if source.random() < 0.7 else encoded(picture, "PNG")
    share = source.uniform(0.35, 0.85)
    return Planted(whole[: round(len(whole) * share)], ".png" if whole.startswith(b"\x89PNG") else ".jpg", {"share": round(share, 3)})


def empty(source: random.Random, content: bytes) -> Planted:
    return Planted(b"", ".jpg")


def bomb(source: random.Random, content: bytes) -> Planted:
    """A sound PNG of 200 million pixels in some ten kilobytes."""
    width, height = BOMB_SIDES
    line = b"\x00" + bytes((width + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(line * 1000) for _ in range(height // 1000)) + packer.flush()
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", packed), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks)
    return Planted(b"\x89PNG\r\n\x1a\n" + body, ".png", {"pixels": width * height})


def tiny(source: random.Random, content: bytes) -> Planted:
    side = source.randint(12, 96)
    picture = _opened(content)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return _as_jpeg(source, picture, sides=list(picture.size))


def stretched(source: random.Random, content: bytes) -> Planted:
    """A strip, as banners are: six to twelve times as long as wide."""
    picture, ratio = _opened(content), source.uniform(6.0, 12.0)
    short = round(source.uniform(120, 220))
    size = (round(short * ratio), short)
    picture = picture.resize(size if source.random() < 0.6 else size[::-1], Image.Resampling.BICUBIC)
    return _as_jpeg(source, picture, ratio=round(ratio, 2))


def degraded(source: random.Random, content: bytes) -> Planted:
    """Out of focus, noisy, crushed by JPEG, or all in the dark."""
    picture, kind = _opened(content), source.choice(("blur", "noise", "jpeg", "dark"))
    if kind == "blur":
        radius = source.uniform(3.0, 7.0)
        return _as_jpeg(source, picture.filter(ImageFilter.GaussianBlur(radius)), damage=kind, radius_px=round(radius, 2))
    if kind == "jpeg":
        quality = source.randint(2, 8)
        return Planted(encoded(picture, "JPEG", quality=quality), ".jpg", {"damage": kind, "quality": quality})
    if kind == "dark":
        factor = source.uniform(0.08, 0.2)
        return _as_jpeg(source, ImageEnhance.Brightness(picture).enhance(factor), damage=kind, factor=round(factor, 3))
    sigma = source.uniform(35.0, 80.0)
    noise = np.random.default_rng(source.getrandbits(63)).normal(0.0, sigma, (picture.height, picture.width, 3))
    noisy = np.clip(np.asarray(picture, dtype=np.float32) + noise, 0, 255).astype(np.uint8)
    return _as_jpeg(source, Image.fromarray(noisy), damage=kind, sigma=round(sigma, 1))


def _opened(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as picture:
        return picture.convert("RGB")


def _as_jpeg(source: random.Random, picture: Image.Image, **detail: Any) -> Planted:
    return Planted(encoded(picture, "JPEG", quality=source.randint(80, 94)), ".jpg", detail)
