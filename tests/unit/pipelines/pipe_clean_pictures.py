"""Pictures for the tests of cleaning: drawn here, with structure, so that their hashes mean something."""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import PIL.Image
import PIL.ImageDraw

from internvl.data.record import Origin
from internvl.pipelines.item import Item


def scene(seed: int, *, width: int = 200, height: int = 160) -> PIL.Image.Image:
    """Coloured shapes at places that depend on the seed."""
    draw = random.Random(seed)
    image = PIL.Image.new("RGB", (width, height), tuple(draw.randrange(256) for _ in range(3)))
    pen = PIL.ImageDraw.Draw(image)
    for _ in range(12):
        x, y = draw.randrange(width), draw.randrange(height)
        box = (x, y, x + draw.randrange(20, 90), y + draw.randrange(20, 90))
        shape = draw.choice((pen.ellipse, pen.rectangle))
        shape(box, fill=tuple(draw.randrange(256) for _ in range(3)))
    return image


def encoded(image: PIL.Image.Image, form: str = "PNG", **settings: Any) -> bytes:
    """The picture as a file."""
    stream = io.BytesIO()
    image.save(stream, form, **settings)
    return stream.getvalue()


def bomb_file(width: int = 20_000, height: int = 10_000) -> bytes:
    """A small PNG whose header tells of 200 megapixels."""
    content = bytearray(encoded(PIL.Image.new("1", (1, 1))))
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def item(row: int = 1, *, image: bytes | None = None, text: str = "", **fields: Any) -> Item:
    """A sample."""
    return Item(origin=Origin("set", "set.parquet", row), image=image, text=text, fields=fields)


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A Parquet file of rows."""
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path
