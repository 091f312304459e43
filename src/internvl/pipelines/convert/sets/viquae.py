"""ViQuAE (Lerner et al. 2022): train.jsonl.

Reads {id, input, image, output: {original_answer}}: the question about the picture and the answer as written. Pictures: the name
in `image`, below the root. Uncertain: the layout of the pictures' folder.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.phrasing import short
from internvl.pipelines.convert.reading import json_lines
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".jsonl"):
        yield from by_row(json_lines(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    name = row.text("image")
    turns = asked(short(row.text("input"), inputs.settings.language), row.inside("output").text("original_answer"))
    yield Sample(place=row.place, turns=turns, image=inputs.pictures.find([name, f"images/{name}"]), id=row.key("id"))


CONVERTERS = (
    Converter(
        name="viquae",
        title="ViQuAE",
        task="knowledge",
        languages=("en",),
        samples=_samples,
        pictures="*.jpg or images/*.jpg",
        about=__doc__,
    ),
)
