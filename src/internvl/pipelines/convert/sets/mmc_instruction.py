"""MMC-Instruction (Liu et al. 2024): mmc_instruction_arxiv_text.jsonl and mmc_instruction_non-arxiv_text.jsonl.

Reads {image_id, question, answer}; a mark `<image>` that a question brings along is taken off. Pictures: image_id below the root,
or in the folder that the published archive makes (mmc_instruction_non-arxiv_images/).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.reading import file_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".jsonl"):
        yield from by_row(file_rows(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    name = row.key("image_id")
    name = name if PurePosixPath(name).suffix else f"{name}.jpg"
    question = row.text("question").removeprefix("<image>").removesuffix("<image>").strip()
    yield Sample(
        place=row.place,
        turns=asked(question, row.text("answer")),
        image=inputs.pictures.find([name, f"mmc_instruction_arxiv_images/{name}", f"mmc_instruction_non-arxiv_images/{name}"]),
    )


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
