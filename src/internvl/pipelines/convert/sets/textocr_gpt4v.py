"""TextOCR-GPT4V: descriptions of TextOCR's pictures by GPT-4V, with the text in them.

Reads JSONL or Parquet with a caption a row and the picture's name (filename, file_name or image). Uncertain: the names of the fields,
and that pictures lie where TextOCR's do, in train/ or train_images/.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.boxes import plain
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.phrasing import DESCRIBE
from internvl.pipelines.convert.reading import file_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked

NAMES = ("filename", "file_name", "image")


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations"):
        yield from by_row(file_rows(path), lambda row: _described(row, inputs))


def _described(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    name = row.text(next((each for each in NAMES if each in row.fields), NAMES[0])).rpartition("/")[2]
    image = inputs.pictures.find([f"train/{name}", f"train_images/{name}", name])
    turns = asked(inputs.question(DESCRIBE, row.place), plain(row.text("caption").strip()))
    yield Sample(place=row.place, turns=turns, image=image)


CONVERTERS = (
    Converter(
        name="textocr_gpt4v",
        title="TextOCR-GPT4V",
        task="conversation",
        languages=("en",),
        samples=_samples,
        pictures="train/*.jpg or train_images/*.jpg",
        takes=("language", "prompts"),
        about=__doc__,
    ),
)
