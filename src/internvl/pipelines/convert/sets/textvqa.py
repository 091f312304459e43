"""TextVQA (Singh et al. 2019): TextVQA_0.5.1_train.json.

Reads {data: [{image_id, question, question_id, answers, image_width, image_height}]}; the most common of the ten answers is
taken. Pictures: train_images/IMAGE_ID.jpg. Uncertain: image_width and image_height may be those before the pictures were made
smaller, so they are not written; --check-images writes the true ones.
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
    name = f"{row.key('image_id')}.jpg"
    turns = asked(short(row.text("question"), inputs.settings.language), most_common(row.texts("answers")))
    image = inputs.pictures.find([f"train_images/{name}", name])
    yield Sample(place=row.place, turns=turns, image=image, id=row.key("question_id"))


CONVERTERS = (
    Converter(
        name="textvqa",
        title="TextVQA",
        task="ocr",
        languages=("en",),
        samples=_samples,
        pictures="train_images/*.jpg",
        checked="this package's evaluation; names of pictures: not checked",
        about=__doc__,
    ),
)
