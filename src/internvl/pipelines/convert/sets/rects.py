"""ReCTS (ICDAR 2019): a JSON file a picture, gt/train_ReCTS_000001.json; --annotations is the folder of them.

Reads {chars, lines: [{ignore, transcription, points: [x1, y1, ..., x4, y4]}]}, of which the lines; ignored ones and ### are left
out. Pictures: img/train_ReCTS_000001.jpg.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.boxes import from_points
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.reading_text import ASKS, reading_samples, text_line
from internvl.pipelines.convert.reading import json_value
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Place

ILLEGIBLE = "###"


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        row = Row(Place(str(path), 1), {"lines": json_value(path, "lines"), "name": path.stem})
        yield from by_row([row], lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    name = row.text("name")
    image = inputs.pictures.find([f"img/{name}.jpg", f"{name}.jpg"])
    legible = [each for each in row.each("lines") if not each.fields.get("ignore")]
    lines = [text_line(each.text("transcription"), from_points(each.values("points"))) for each in legible if _has_text(each)]
    yield from reading_samples(row.place, image, lines, inputs)


def _has_text(row: Row) -> bool:
    return row.optional_text("transcription") not in ("", ILLEGIBLE)


CONVERTERS = (
    Converter(
        name="rects",
        title="ReCTS",
        task="ocr",
        languages=("zh",),
        samples=_samples,
        asks=ASKS,
        pictures="img/train_ReCTS_*.jpg",
        checked="a public converter",
        takes=("language", "prompts"),
        about=__doc__,
    ),
)
