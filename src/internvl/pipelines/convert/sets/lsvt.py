"""LSVT (ICDAR 2019): train_full_labels.json, the fully labelled 30,000 pictures.

Reads {gt_0: [{transcription, points, illegibility}]}. The weakly labelled pictures have another file, which is not read.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.icdar_json import icdar_samples
from internvl.pipelines.convert.forms.reading_text import ASKS
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return icdar_samples(inputs)


CONVERTERS = (
    Converter(
        name="lsvt",
        title="LSVT",
        task="ocr",
        languages=("zh",),
        samples=_samples,
        asks=ASKS,
        pictures="gt_*.jpg or train_images/gt_*.jpg",
        takes=("language", "prompts"),
        checked="a public converter",
        about=__doc__,
    ),
)
