"""SynthDoG (Kim et al. 2022): metadata.jsonl beside the pictures, or the published Parquet with pictures inside.

Reads file_name, or image {bytes, path}, and ground_truth, a text with {gt_parse: {text_sequence}}. Pictures out of Parquet are
written to synthdog/TABLE/ROW.jpg below the root.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.boxes import plain
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.inside import picture_inside
from internvl.pipelines.convert.phrasing import READ
from internvl.pipelines.convert.reading import file_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".jsonl"):
        yield from by_row(file_rows(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    content = None
    if "file_name" in row.fields:
        image = inputs.pictures.find([row.text("file_name"), f"train/{row.text('file_name')}"])
    else:
        image, content = picture_inside(row, "synthdog")
    text = row.json("ground_truth").inside("gt_parse").text("text_sequence")
    turns = asked(inputs.question(READ, row.place), plain(text))
    yield Sample(place=row.place, turns=turns, image=image, content=content)


CONVERTERS = (
    Converter(
        name="synthdog",
        title="SynthDoG",
        task="ocr",
        languages=("en", "zh"),
        samples=_samples,
        pictures="*.jpg, as written",
        takes=("language", "prompts"),
        checked="a public loader",
        about=__doc__,
    ),
)
