"""LVIS-Instruct4V (Wang et al. 2023): lvis_instruct4v_220k.json.

Reads [{id, image, conversations}] in LLaVA's form.
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
        name="lvis_instruct4v",
        title="LVIS-Instruct4V",
        task="conversation",
        languages=("en",),
        samples=_samples,
        pictures="as written",
        takes=(),
        about=__doc__,
    ),
)
