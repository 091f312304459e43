"""DocVQA (Mathew et al. 2021): train_v1.0.json, or train_v1.0_withQT.json.

Reads {data: [{questionId, question, image, answers}]}; the most common answer is taken, of different ones the first. Pictures:
documents/*.png as written.
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
    image = inputs.pictures.find([row.text("image")])
    yield Sample(place=row.place, turns=turns, image=image, id=row.key("questionId"))


CONVERTERS = (
    Converter(
        name="docvqa",
        title="DocVQA",
        task="document",
        languages=("en",),
        samples=_samples,
        pictures="documents/*.png",
        checked="this package's evaluation; the field of the picture: not checked",
        about=__doc__,
    ),
)
