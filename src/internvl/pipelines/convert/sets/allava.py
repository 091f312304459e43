"""ALLaVA (Chen et al. 2024): ALLaVA-Instruct-LAION-4V.json, ALLaVA-Caption-LAION-4V.json, and those of VFLAN.

Reads [{id, image, conversations}] in LLaVA's form; fields such as url are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.conversations import as_named, conversation_samples
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return conversation_samples(inputs, path_of=as_named)


CONVERTERS = (
    Converter(
        name="allava",
        title="ALLaVA",
        task="conversation",
        languages=("en", "zh"),
        samples=_samples,
        pictures="allava_laion/images/*.jpeg, as written",
        takes=(),
        about=__doc__,
    ),
)
