"""CTW, Chinese text in the wild (Yuan et al. 2018): train.jsonl.

Reads {image_id, file_name, width, height, annotations: [[{adjusted_bbox: [x, y, w, h], text, is_chinese}]]}; the characters of an
inner list are one line. Lines with a character whose text is missing are left out. Pictures: file_name below the root, or in
images/ or images-trainval/.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.boxes import Box, from_sides
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.reading_text import ASKS, reading_samples, text_line
from internvl.pipelines.convert.reading import json_lines
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refused
from internvl.pipelines.ocr.line import Line, around


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".jsonl"):
        yield from by_row(json_lines(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    name = row.text("file_name")
    image = inputs.pictures.find([name, f"images/{name}", f"images-trainval/{name}"])
    lines = [_line(Row(row.place, {"characters": each})) for each in row.values("annotations")]
    yield from reading_samples(row.place, image, [line for line in lines if line is not None], inputs, size=row.size())


def _line(row: Row) -> Line | None:
    characters = list(row.each("characters"))
    if not all(each.optional_text("text") for each in characters):
        return None
    if not characters:
        raise Refused("no text: a line without characters")
    box = Box(*around([from_sides(each.fields.get("adjusted_bbox")) for each in characters]))
    return text_line("".join(each.text("text") for each in characters), box)


CONVERTERS = (
    Converter(
        name="ctw",
        title="CTW",
        task="ocr",
        languages=("zh",),
        samples=_samples,
        asks=ASKS,
        pictures="*.jpg, images/*.jpg or images-trainval/*.jpg",
        takes=("language", "prompts"),
        checked="a public converter",
        about=__doc__,
    ),
)
