"""CLEVR-Math (Dahlgren Lindstroem and Sameti 2022) and Super-CLEVR (Li et al. 2023): their question files, in CLEVR's form.

Reads {questions: [{image_filename, question, answer}]}; for Super-CLEVR pass superCLEVR_questions_30k.json, whose split train is
taken. Pictures: image_filename below the root, or in images/ and images/train/. Uncertain: the names of CLEVR-Math's files.
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
        yield from by_row(json_items(path, "questions.item"), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    if row.optional_text("split") not in ("", "train"):
        return
    name = row.text("image_filename")
    turns = asked(short(row.text("question"), inputs.settings.language), written(row, "answer"))
    yield Sample(place=row.place, turns=turns, image=inputs.pictures.find([name, f"images/{name}", f"images/train/{name}"]))


CONVERTERS = (
    Converter(
        name="clevr_math",
        title="CLEVR-Math",
        task="mathematics",
        languages=("en",),
        samples=_samples,
        pictures="images/*.png",
        about=__doc__,
    ),
)
