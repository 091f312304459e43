"""Geometry3K (Lu et al. 2021): train/ID/data.json, a folder a problem; --annotations is the folder of them.

Reads {problem_text, choices, answer}, answer being a letter. Pictures: train/ID/img_diagram.png, where ID is the name of the
folder.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.choices import matching
from internvl.pipelines.convert.phrasing import choice, letter
from internvl.pipelines.convert.reading import json_value
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Place, Sample, asked

FIELDS = ("problem_text", "choices", "answer")


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", "data.json"):
        row = Row(Place(str(path), 1), {name: json_value(path, name) for name in FIELDS} | {"id": path.parent.name})
        yield from by_row([row], lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    options = row.texts("choices")
    turns = asked(choice(row.text("problem_text"), options, inputs.settings.language), letter(matching(row.text("answer"), options)))
    name = f"{row.key('id')}/img_diagram.png"
    yield Sample(place=row.place, turns=turns, image=inputs.pictures.find([f"train/{name}", name]), id=row.key("id"))


CONVERTERS = (
    Converter(
        name="geometry3k",
        title="Geometry3K",
        task="mathematics",
        languages=("en",),
        samples=_samples,
        pictures="train/ID/img_diagram.png",
        checked="a public loader",
        about=__doc__,
    ),
)
