"""What every kind of input file has in common: it is cut into slices once, and a slice is read without the rest.

file --one pass, once a run--> Slice: rows a..b and where they lie --any worker--> RawRow: the fields of a row, or why it has none
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from internvl.pipelines.item import Drop

PICTURES = ("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff")
DOCUMENTS = ("pdf",)
IMAGE_FIELDS = ("image", "images", "jpg", "jpeg", "png", "webp", "img", "picture", "image_bytes", "image_path")
TEXT_FIELDS = ("caption", "text", "TEXT", "txt")
TURN_FIELDS = ("conversations", "messages", "chosen")
"""Usual names. The first that a row has, and that is not null, is taken."""


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Consecutive rows of a file, or one row that says why the rest of the file can't be read.

    first: number of the first row, from 1. rows: how many. start, end: where they begin and end, in bytes, for kinds that need it.
    places: start and end of each row, where line ends don't tell. names: of the files in a folder. fault: "kind: detail".
    """

    first: int
    rows: int
    start: int = 0
    end: int = 0
    places: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    fault: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What is read of a row.

    text_field, image_field: the fields with the caption and the picture, where they have none of the usual names.
    images: whether pictures are opened at all. documents: take PDF files for pictures.
    max_file_bytes: of a picture's file. max_record_bytes: of a line, a list's element, or a sample's text.
    """

    text_field: str | None = None
    image_field: str | None = None
    images: bool = True
    documents: bool = False
    max_file_bytes: int = 100_000_000
    max_record_bytes: int = 64_000_000

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of files that are taken for pictures."""
        return (*PICTURES, *DOCUMENTS) if self.documents else PICTURES


class RawRow(NamedTuple):
    """A row as it stands in its file. row: from 1. below: the file's name where the input is a folder."""

    row: int
    raw: Mapping[str, Any] | Drop
    below: str | None = None


class Kind(Protocol):
    """How one kind of file is cut and read. Both raise OSError; what is wrong with the content becomes rows with reasons."""

    def cut(self, path: Path, rows: int, options: ReadOptions) -> Iterator[Slice]:
        """Slices of at most `rows` rows. A file of another kind than its suffix says is one slice with a fault."""
        ...

    def read(self, path: Path, part: Slice, options: ReadOptions) -> Iterator[RawRow]:
        """The rows of a slice, in order."""
        ...

    def close(self) -> None:
        """Let go of files that were kept open from slice to slice."""
        ...
