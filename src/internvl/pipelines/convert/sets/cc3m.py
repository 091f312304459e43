"""Conceptual Captions (Sharma et al. 2018), downloaded with img2dataset.

Reads the Parquet tables beside the pictures: key, caption, status, width, height. The published table of captions and addresses
alone is not enough.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.img2dataset import downloaded_captions
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return downloaded_captions(inputs)


CONVERTERS = (
    Converter(
        name="cc3m",
        title="CC3M",
        task="captioning",
        languages=("en",),
        samples=_samples,
        pictures="00000/000000000.jpg",
        takes=("language", "prompts"),
        about=__doc__,
    ),
)
