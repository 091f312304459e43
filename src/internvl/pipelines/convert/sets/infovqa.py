"""InfographicVQA (Mathew et al. 2022): infographicsVQA_train_v1.0.json.

Reads {data: [{questionId, question, image_local_name, answers}]}; the most common answer is taken, of different ones the first.
Pictures: image_local_name below the root, in images/ or in infographicsvqa_images/.
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
    image = inputs.pictures.find(
        [
            row.text("image_local_name"),
            f"images/{row.text('image_local_name')}",
            f"infographicsvqa_images/{row.text('image_local_name')}",
        ]
    )
    yield Sample(place=row.place, turns=turns, image=image, id=row.key("questionId"))


CONVERTERS = (
    Converter(
        name="infovqa",
        title="InfoVQA",
        task="ocr",
        languages=("en",),
        samples=_samples,
        pictures="infographics, by their names",
        checked="a public loader",
        about=__doc__,
    ),
)
