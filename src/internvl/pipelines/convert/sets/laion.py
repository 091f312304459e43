"""LAION-2B-en, LAION-2B-multi, COYO and their relatives (Schuhmann et al. 2022), downloaded with img2dataset.

Reads the Parquet tables beside the pictures: key, caption (or TEXT), status, width, height. Clean the pairs first: `internvl data
clean` reads the tar shards of the same download.
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
        name="laion",
        title="LAION",
        task="captioning",
        languages=("en", "zh"),
        samples=_samples,
        pictures="00000/000000000.jpg",
        takes=("language", "prompts"),
        about=__doc__,
    ),
)
