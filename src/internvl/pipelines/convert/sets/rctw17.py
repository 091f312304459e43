"""RCTW-17 (Shi et al. 2017): a text file a picture, image_0.txt; --annotations is the folder of them.

Reads lines x1,y1,x2,y2,x3,y3,x4,y4,difficult,"text"; difficult lines (1) and ### are left out. Pictures: image_0.jpg beside or
below the root.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from internvl.pipelines.convert.boxes import from_points
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.reading_text import ASKS, reading_samples, text_line
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Place, Refused
from internvl.pipelines.ocr.line import Line

ILLEGIBLE = "###"
CORNERS = 8


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    files = (Row(Place(str(path), 1), {"path": path}) for path in inputs.all("annotations", ".txt"))
    yield from by_row(files, lambda row: _file_samples(row, row.fields["path"], inputs))


def _file_samples(row: Row, path: Path, inputs: Inputs) -> Iterator[Outcome]:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"broken file: not UTF-8 text at byte {error.start}") from error
    lines = [_line(each) for each in text.splitlines() if each.strip()]
    image = inputs.pictures.find([f"{path.stem}.jpg", f"train_images/{path.stem}.jpg"])
    yield from reading_samples(row.place, image, [line for line in lines if line is not None], inputs)


def _line(text: str) -> Line | None:
    """A line of the file; None for an illegible one. The text may hold commas."""
    cells = text.split(",", CORNERS + 1)
    if len(cells) != CORNERS + 2:
        raise Refused(f"broken line: 8 corners, a flag and a text are expected, not {text:.60}")
    words = cells[-1].strip().removeprefix('"').removesuffix('"').strip()
    try:
        corners = [float(side) for side in cells[:CORNERS]]
    except ValueError as error:
        raise Refused(f"broken line: {text:.60} ({error})") from error
    return None if cells[CORNERS].strip() != "0" or words in ("", ILLEGIBLE) else text_line(words, from_points(corners))


CONVERTERS = (
    Converter(
        name="rctw17",
        title="RCTW-17",
        task="ocr",
        languages=("zh",),
        samples=_samples,
        asks=ASKS,
        pictures="image_*.jpg or train_images/image_*.jpg",
        checked="a public converter",
        takes=("language", "prompts"),
        about=__doc__,
    ),
)
