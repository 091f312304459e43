"""MMC-Instruction (Liu et al. 2024): mmc_instruction_arxiv_text.jsonl and mmc_instruction_non-arxiv_text.jsonl.

Reads {image_id, question, answer}; a mark `<image>` that a question brings along is taken off. Pictures: image_id below the root,
or in the folder that the published archive makes (mmc_instruction_non-arxiv_images/).
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.question_answer import question_answers
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return question_answers(inputs, ".jsonl", ("mmc_instruction_arxiv_images", "mmc_instruction_non-arxiv_images"))


CONVERTERS = (
    Converter(
        name="mmc_instruction",
        title="MMC-Inst",
        task="chart",
        languages=("en",),
        samples=_samples,
        pictures="mmc_instruction_*_images/*",
        checked="a public converter",
        takes=(),
        about=__doc__,
    ),
)
