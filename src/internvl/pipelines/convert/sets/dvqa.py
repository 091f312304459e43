"""DVQA (Kafle et al. 2018): train_qa.json.

Reads [{image, question, answer, question_id}]. Pictures: images/bar_train_*.png.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.values import written
from internvl.pipelines.convert.phrasing import short
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(json_items(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    name = row.text("image")
    turns = asked(short(row.text("question"), inputs.settings.language), written(row, "answer"))
    yield Sample(
        place=row.place, turns=turns, image=inputs.pictures.find([f"images/{name}", name]), id=row.optional_text("question_id") or None
    )


CONVERTERS = (
    Converter(
        name="dvqa",
        title="DVQA",
        task="chart",
        languages=("en",),
        samples=_samples,
        pictures="images/bar_train_*.png",
        checked="the authors' description of the fields",
        about=__doc__,
    ),
)
