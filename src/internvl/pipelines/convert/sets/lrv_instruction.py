"""LRV-Instruction (Liu et al. 2023): filter_cap1.json and filter_cap_more1.json, and chart_release_update.json for charts.

Reads [{image_id, question, answer}]. Pictures: image_id is a number of Visual Genome without a suffix, or the file name of a
chart; they are also looked for in image/ and chart_image/, as the archives unpack.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.question_answer import question_answers
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return question_answers(inputs, ".json", ("image", "chart_image"))


CONVERTERS = (
    Converter(
        name="lrv_instruction",
        title="LRV-Instruction",
        task="chart",
        languages=("en",),
        samples=_samples,
        pictures="image/*.jpg and chart_image/*",
        checked="a public converter",
        takes=(),
        about=__doc__,
    ),
)
