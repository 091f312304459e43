"""ST-VQA (Biten et al. 2019): train_task_3.json.

Reads {data: [{file_path, question, question_id, answers}]}; the most common answer is taken, of two different ones the first.
Pictures: file_path below the root (coco-text/..., vizwiz/..., imageNet/...).
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.answers import most_common
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.phrasing import short
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(json_items(path, "data.item"), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    turns = asked(short(row.text("question"), inputs.settings.language), most_common(row.texts("answers")))
    yield Sample(place=row.place, turns=turns, image=inputs.pictures.find([row.text("file_path")]), id=row.key("question_id"))


CONVERTERS = (
    Converter(
        name="stvqa",
        title="ST-VQA",
        task="ocr",
        languages=("en",),
        samples=_samples,
        pictures="coco-text/*.jpg, as written",
        checked="a public loader",
        about=__doc__,
    ),
)
