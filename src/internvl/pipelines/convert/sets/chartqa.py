"""ChartQA (Masry et al. 2022): train_human.json and train_augmented.json.

Reads [{imgname, query, label}]. Pictures: train/png/IMGNAME, or png/IMGNAME.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.phrasing import short
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(json_items(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    name = row.text("imgname")
    turns = asked(short(row.text("query"), inputs.settings.language), row.text("label"))
    yield Sample(place=row.place, turns=turns, image=inputs.pictures.find([f"train/png/{name}", f"png/{name}", name]))


CONVERTERS = (
    Converter(
        name="chartqa",
        title="ChartQA",
        task="chart",
        languages=("en",),
        samples=_samples,
        pictures="train/png/*.png",
        checked="a public loader",
        about=__doc__,
    ),
)
