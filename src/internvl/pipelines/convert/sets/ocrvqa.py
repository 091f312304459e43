"""OCR-VQA (Mishra et al. 2019): dataset.json, of which split 1, the training part.

Reads {id: {imageURL, questions, answers, split}}. Pictures: images/ID.jpg, or with the suffix of the address.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.phrasing import short
from internvl.pipelines.convert.reading import keyed_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refused, Sample, asked

TRAIN = 1


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(keyed_rows(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    if row.fields.get("split") is not None and row.whole("split") != TRAIN:
        return
    questions, answers = row.texts("questions"), row.texts("answers")
    if len(questions) != len(answers):
        raise Refused(f"uneven lists: {len(questions)} questions and {len(answers)} answers")
    suffix = PurePosixPath(row.optional_text("imageURL")).suffix or ".jpg"
    names = dict.fromkeys([f"{row.key('key')}.jpg", f"{row.key('key')}{suffix}"])
    image = inputs.pictures.find([place + name for name in names for place in ("images/", "")])
    for question, answer in zip(questions, answers, strict=True):
        yield Sample(place=row.place, turns=asked(short(question, inputs.settings.language), answer), image=image)


CONVERTERS = (
    Converter(
        name="ocrvqa",
        title="OCRVQA",
        task="ocr",
        languages=("en",),
        samples=_samples,
        pictures="images/*.jpg",
        about=__doc__,
    ),
)
