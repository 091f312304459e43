"""Rows of one question and its answer about one picture.

{image_id, question, answer} --> picture by its name or number, question without a mark it brings along, answer
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.reading import file_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def question_answers(inputs: Inputs, suffix: str, folders: Sequence[str]) -> Iterator[Outcome]:
    """A sample for each row of the files that end in `suffix`. folders: where pictures may lie, beside the root itself."""
    for path in inputs.all("annotations", suffix):
        yield from by_row(file_rows(path), lambda row: _samples(row, inputs, folders))


def _samples(row: Row, inputs: Inputs, folders: Sequence[str]) -> Iterator[Outcome]:
    name = row.key("image_id")
    name = name if PurePosixPath(name).suffix else f"{name}.jpg"
    question = row.text("question").removeprefix("<image>").removesuffix("<image>").strip()
    image = inputs.pictures.find([name, *(f"{folder}/{name}" for folder in folders)])
    yield Sample(place=row.place, turns=asked(question, row.text("answer")), image=image)
