"""The label file of the ICDAR 2019 challenges ArT and LSVT: pictures by name, each with its lines.

{"gt_0": [{"transcription": "...", "points": [[x, y], ...], "illegibility": false}, ...], ...} --> lines of gt_0.jpg
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from internvl.pipelines.convert.boxes import from_points
from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.forms.reading_text import reading_samples, text_line
from internvl.pipelines.convert.reading import json_pairs
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome
from internvl.pipelines.ocr.line import Line

ILLEGIBLE = "###"


def icdar_samples(inputs: Inputs) -> Iterator[Outcome]:
    """Samples of each picture of the label files."""
    for path in inputs.all("annotations", ".json"):
        rows = (Row(place, {"name": key, "lines": value}) for key, value, place in json_pairs(path))
        yield from by_row(rows, lambda row: _samples(row, inputs))


def _samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    image = inputs.pictures.find([f"{row.text('name')}.jpg", f"train_images/{row.text('name')}.jpg"])
    yield from reading_samples(row.place, image, [_line(each) for each in row.each("lines") if _legible(each.fields)], inputs)


def _legible(line: Any) -> bool:
    return not line.get("illegibility") and line.get("transcription") not in (None, "", ILLEGIBLE)


def _line(row: Row) -> Line:
    return text_line(row.text("transcription"), from_points(row.values("points")))
