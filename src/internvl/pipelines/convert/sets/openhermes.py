"""OpenHermes 2.5 (Teknium 2023): openhermes2_5.json.

Reads [{conversations: [{from, value}]}], with a first turn of the system where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.conversations import conversation_samples
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return conversation_samples(inputs)


CONVERTERS = (
    Converter(
        name="openhermes",
        title="OpenHermes2.5",
        task="text_only",
        languages=("en",),
        samples=_samples,
        checked="this package's reader of ShareGPT files",
        takes=(),
        about=__doc__,
    ),
)
