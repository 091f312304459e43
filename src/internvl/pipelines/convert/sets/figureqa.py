"""FigureQA (Kahou et al. 2017): train1/qa_pairs.json.

Reads {qa_pairs: [{image_index, question_string, answer}]}, answer being 1 for yes. Pictures: png/IMAGE_INDEX.png.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.phrasing import short
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refused, Sample, asked

ANSWERS = ("No", "Yes")


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(json_items(path, "qa_pairs.item"), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    answer, name = row.whole("answer"), f"{row.key('image_index')}.png"
    if answer not in (0, 1):
        raise Refused(f"wrong answer: 0 or 1 is expected, not {answer}")
    turns = asked(short(row.text("question_string"), inputs.settings.language), ANSWERS[answer])
    yield Sample(place=row.place, turns=turns, image=inputs.pictures.find([f"png/{name}", name]))


CONVERTERS = (
    Converter(
        name="figureqa",
        title="FigureQA",
        task="chart",
        languages=("en",),
        samples=_samples,
        pictures="png/*.png",
        checked="a public loader",
        about=__doc__,
    ),
)
