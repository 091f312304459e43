"""Inputs and operators for the tests of runs: small, made here, and without models."""

from __future__ import annotations

import io
import json
import random
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import PIL.Image

from internvl.pipelines.item import Drop, Item
from internvl.pipelines.operator import Outcome, Resources, Work


def picture(number: int, *, side: int = 8) -> bytes:
    """A small PNG of one colour."""
    file = io.BytesIO()
    PIL.Image.new("RGB", (side, side), (number % 256, number * 7 % 256, 0)).save(file, "PNG")
    return file.getvalue()


def write_lines(path: Path, records: Sequence[object]) -> Path:
    """A JSONL file."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


def write_captions(folder: Path, rows: int) -> Path:
    """A JSONL file of pictures with captions, of which every fifth names a picture that is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(rows):
        if number % 5:
            (folder / f"{number}.png").write_bytes(picture(number))
    records = [{"image": f"{number}.png", "caption": f"caption {number}", "url": f"u{number}"} for number in range(rows)]
    return write_lines(folder / "captions.jsonl", records)


def write_tar(path: Path, members: Mapping[str, bytes]) -> Path:
    """A tar file of these members."""
    with tarfile.open(path, "w") as shard:
        for name, content in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            shard.addfile(about, io.BytesIO(content))
    return path


@dataclass(frozen=True)
class Measure:
    """Adds columns of all types; pauses as long as told, for tests that kill."""

    name: str = "measure"
    scale: float = 1.0
    pause_s: float = 0.0
    resources: Resources = field(default_factory=Resources)

    def columns(self) -> dict[str, Any]:
        return {"brightness": "float", "length": "int", "first": "str", "short": "bool", "words": "json"}

    def settings(self) -> dict[str, Any]:
        return {"scale": self.scale}

    def open(self) -> Work:
        return self._work

    def _work(self, items: Sequence[Item]) -> list[Outcome]:
        time.sleep(self.pause_s)
        return [self._one(item) for item in items]

    def _one(self, item: Item) -> Outcome:
        value = random.Random(item.text).random() * self.scale
        words = item.text.split()
        return item.with_fields(brightness=value, length=len(item.text), first=item.text[:1], short=len(words) < 3, words=words)


@dataclass(frozen=True)
class DropOdd:
    """Drops samples whose row is odd."""

    name: str = "drop_odd"
    resources: Resources = field(default_factory=Resources)

    def columns(self) -> dict[str, Any]:
        return {"even": "bool"}

    def settings(self) -> dict[str, Any]:
        return {}

    def open(self) -> Work:
        return lambda items: [Drop(f"odd row: {i.origin.row}") if i.origin.row % 2 else i.with_fields(even=True) for i in items]


@dataclass(frozen=True)
class Pages:
    """Makes two samples of each, with pictures of their own."""

    name: str = "pages"
    resources: Resources = field(default_factory=Resources)

    def columns(self) -> dict[str, Any]:
        return {"page": "int"}

    def settings(self) -> dict[str, Any]:
        return {}

    def open(self) -> Work:
        return lambda items: [[self._page(item, page) for page in (1, 2)] for item in items]

    def _page(self, item: Item, page: int) -> Item:
        return Item(origin=item.origin, image=picture(page), text=f"{item.text}, page {page}", fields={**item.fields, "page": page})


@dataclass(frozen=True)
class Broken:
    """Gives what it is told to, for tests of the contract."""

    outcomes: Any
    column_type: Any = "float"
    name: str = "broken"
    resources: Resources = field(default_factory=Resources)

    def columns(self) -> dict[str, Any]:
        return {"score": self.column_type}

    def settings(self) -> dict[str, Any]:
        return {}

    def open(self) -> Work:
        return self.outcomes  # type: ignore[no-any-return]


def unit_bytes(out: Path) -> dict[str, bytes]:
    """The files of a run's units."""
    return {path.name: path.read_bytes() for path in sorted((out / "units").glob("*.parquet"))}
