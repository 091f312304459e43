"""LRV-Instruction (Liu et al. 2023): filter_cap1.json and filter_cap_more1.json, and chart_release_update.json for charts.

Reads [{image_id, question, answer}]. Pictures: image_id is a number of Visual Genome without a suffix, or the file name of a
chart; they are also looked for in image/ and chart_image/, as the archives unpack.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.reading import file_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(file_rows(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    name = row.key("image_id")
    name = name if PurePosixPath(name).suffix else f"{name}.jpg"
    question = row.text("question").removeprefix("<image>").removesuffix("<image>").strip()
    yield Sample(
        place=row.place,
        turns=asked(question, row.text("answer")),
        image=inputs.pictures.find([name, f"image/{name}", f"chart_image/{name}"]),
    )


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
