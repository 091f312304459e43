"""PlotQA (Methani et al. 2020): qa_pairs_V1.json or qa_pairs_V2.json, some gigabytes each.

Reads {qa_pairs: [{image_index, question_string, answer, question_id}]}; a list as answer is written with commas. Pictures:
png/IMAGE_INDEX.png.
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
        yield from by_row(json_items(path, "qa_pairs.item"), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    answer = ", ".join(row.texts("answer")) if isinstance(row.fields.get("answer"), list) else written(row, "answer")
    name = f"{row.key('image_index')}.png"
    turns = asked(short(row.text("question_string"), inputs.settings.language), answer)
    yield Sample(
        place=row.place, turns=turns, image=inputs.pictures.find([f"png/{name}", name]), id=row.optional_text("question_id") or None
    )


CONVERTERS = (
    Converter(
        name="plotqa",
        title="PlotQA",
        task="chart",
        languages=("en",),
        samples=_samples,
        pictures="png/*.png",
        checked="a public loader",
        about=__doc__,
    ),
)
