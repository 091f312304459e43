"""LAION-GPT4V: descriptions of LAION pictures by GPT-4V, downloaded with img2dataset.

Reads the Parquet tables beside the pictures: key, caption, status, width, height. The published table has addresses alone (link,
caption): give img2dataset `--url_col link --caption_col caption`. Uncertain: whether its texts hold line breaks that matter; they stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.boxes import plain
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.img2dataset import caption_of, picture_of
from internvl.pipelines.convert.phrasing import DESCRIBE
from internvl.pipelines.convert.reading import parquet_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".parquet"):
        yield from by_row(parquet_rows(path, ("key",)), lambda row: _described(row, inputs))


def _described(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    image = picture_of(row, inputs)
    turns = asked(inputs.question(DESCRIBE, row.place), plain(caption_of(row).strip()))
    yield Sample(place=row.place, turns=turns, image=image, size=row.size())


CONVERTERS = (
    Converter(
        name="laion_gpt4v",
        title="Laion-GPT4V",
        task="conversation",
        languages=("en",),
        samples=_samples,
        pictures="00000/000000000.jpg",
        takes=("language", "prompts"),
        about=__doc__,
    ),
)
