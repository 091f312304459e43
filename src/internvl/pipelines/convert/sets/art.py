"""ArT (ICDAR 2019): train_labels.json of task 3.

Reads {gt_0: [{transcription, points, language, illegibility}]}; lines that are illegible or ### are left out. Pictures:
train_images/gt_0.jpg. Sizes, which `spot` needs, come from the pictures.
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
        name="art",
        title="ArT",
        task="ocr",
        languages=("en", "zh"),
        samples=_samples,
        asks=ASKS,
        pictures="gt_*.jpg or train_images/gt_*.jpg",
        takes=("language", "prompts"),
        checked="a public converter",
        about=__doc__,
    ),
)
