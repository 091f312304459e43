"""KVQA (Shah et al. 2019): dataset.json.

Reads {id: {imgPath, wikiCap, Questions, Answers, split}}; the caption of the picture, which names the people in it, is not used.
Pictures: imgPath below the root (KVQAimgs/21717.jpg). split holds a number for each of five splits and is not used.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.phrasing import short
from internvl.pipelines.convert.reading import keyed_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refused, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(keyed_rows(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    questions, answers = row.texts("Questions"), row.texts("Answers")
    if len(questions) != len(answers):
        raise Refused(f"uneven lists: {len(questions)} questions and {len(answers)} answers")
    image = inputs.pictures.find([row.text("imgPath")])
    for question, answer in zip(questions, answers, strict=True):
        yield Sample(place=row.place, turns=asked(short(question, inputs.settings.language), answer), image=image)


CONVERTERS = (
    Converter(
        name="kvqa",
        title="KVQA",
        task="knowledge",
        languages=("en",),
        samples=_samples,
        pictures="KVQAimgs/*.jpg, as written",
        checked="a public description, in part",
        about=__doc__,
    ),
)
