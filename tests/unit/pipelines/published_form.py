"""What a tiny file in the published form is, and the questions that converters ask.

files as published, how they are given --> (picture, question, answer) of the records that must come out, in order
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from PIL import Image

SHORT = "\nAnswer the question using a single word or phrase."
LETTER = "\nAnswer with the option's letter from the given choices directly."
CAPTION = "Provide a one-sentence caption for the provided image."
DETECT = "Please detect and label all objects in the following image and mark their positions."
DETECTED = "Sure, I will detect and label all objects in the image and mark their positions.\n\n```\n"
LOCATE = "Please provide the bounding box coordinate of the region this sentence describes: "
READ = "Please read all text in the image."
DESCRIBE = "Please describe the image in detail."


@dataclass(frozen=True)
class Published:
    """files: path -> text, JSON value, or list of rows for .parquet. annotations: as given; pictures: name -> (width, height)."""

    files: dict[str, Any]
    annotations: tuple[str, ...]
    expected: tuple[tuple[str | None, str, str], ...]
    pictures: dict[str, tuple[int, int]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def lines(*records: Any) -> str:
    """JSON lines."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def write(published: Published, folder: Path) -> None:
    """Write the files and pictures into a folder."""
    for name, content in published.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(content), path)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), "utf-8")
    for name, size in published.pictures.items():
        (folder / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(folder / "pictures" / name)


def below(folder: Path, text: str) -> str:
    """`[ROLE=]PATH` with the path in a folder."""
    role, equals, path = text.partition("=")
    return f"{role}={folder / path}" if equals else str(folder / text)
