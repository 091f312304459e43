"""Tables of web pictures as img2dataset leaves them beside the downloaded files.

00000.parquet {key, caption, status, width, height, ...} + 00000/000000000.jpg --> picture, caption

Addresses alone are not enough: a picture that nobody downloaded trains nothing, so a table without `key` is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.forms.captions import caption_sample
from internvl.pipelines.convert.reading import parquet_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refused

SUFFIXES = ("jpg", "png", "webp")
DIGITS = 5
"""Of a key that name its shard: 000120007 is a picture of shard 00012."""


def downloaded_captions(inputs: Inputs) -> Iterator[Outcome]:
    """A sample for each downloaded picture with its caption."""
    for path in inputs.all("annotations", ".parquet"):
        yield from by_row(parquet_rows(path, ("key",)), lambda row: _samples(row, inputs))


def picture_of(row: Row, inputs: Inputs) -> str:
    """The path of a row's picture. Raises Refused for one that was not downloaded."""
    status = row.optional_text("status")
    if status not in ("", "success"):
        raise Refused(f"not downloaded: {status}")
    key = row.key("key")
    return inputs.pictures.find([f"{key[:DIGITS]}/{key}.{suffix}" for suffix in SUFFIXES])


def caption_of(row: Row) -> str:
    """The caption, under any of the names in use."""
    return row.text(next((name for name in ("caption", "TEXT", "text") if name in row.fields), "caption"))


def _samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    image = picture_of(row, inputs)
    yield caption_sample(row.place, image, caption_of(row), inputs, size=row.size())
