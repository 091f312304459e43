"""VSR, visual spatial reasoning (Liu et al. 2023): train.jsonl.

Reads {image, caption, label}; label is 1 for a true statement. Asked for yes or no. Pictures of COCO 2017 by their file names.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.coco_names import named_paths
from internvl.pipelines.convert.phrasing import TRUE_FALSE, YES_NO
from internvl.pipelines.convert.reading import json_lines
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refused, Sample, asked

ANSWERS = {"en": ("No", "Yes"), "zh": ("否", "是")}


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".jsonl"):
        yield from by_row(json_lines(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    language, label = inputs.settings.language, row.whole("label")
    if label not in (0, 1):
        raise Refused(f"wrong label: 0 or 1 is expected, not {label}")
    question = f"{TRUE_FALSE[language].format(row.text('caption'))}\n{YES_NO[language]}"
    yield Sample(
        place=row.place, turns=asked(question, ANSWERS[language][label]), image=inputs.pictures.find(named_paths(row.text("image")))
    )


CONVERTERS = (
    Converter(
        name="vsr",
        title="VSR",
        task="general_qa",
        languages=("en",),
        samples=_samples,
        pictures="train2017/*.jpg or *.jpg",
        checked="a public loader",
        about=__doc__,
    ),
)
