"""GQA (Hudson and Manning 2019): train_balanced_questions.json, or the files of train_all_questions.

Reads {question id: {imageId, question, answer}}. Pictures: images/IMAGE_ID.jpg.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.phrasing import short
from internvl.pipelines.convert.reading import keyed_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(keyed_rows(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    name = f"{row.key('imageId')}.jpg"
    turns = asked(short(row.text("question"), inputs.settings.language), row.text("answer"))
    yield Sample(place=row.place, turns=turns, image=inputs.pictures.find([f"images/{name}", name]), id=row.key("key"))


CONVERTERS = (
    Converter(
        name="gqa",
        title="GQA",
        task="general_qa",
        languages=("en",),
        samples=_samples,
        pictures="images/*.jpg",
        about=__doc__,
    ),
)
