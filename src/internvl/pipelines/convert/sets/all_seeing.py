"""All-Seeing v2's relation conversations (Wang et al. 2024): rec_conversation_22k.json and its relatives.

Reads [{id, image, conversations}] in LLaVA's form, whose boxes are already `<ref>..</ref><box>[[..]]</box>` in thousandths; the
marks `<pred>..</pred>` of relations stay as they are. Boxes beyond 0 to 1000 are refused. Uncertain: whether every released file
counts in thousandths. The billion regions of AS-1B have no annotation format that could be read here.
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
        name="all_seeing",
        title="All-Seeing",
        task="grounding",
        languages=("en",),
        samples=_samples,
        pictures="as written",
        takes=(),
        about=__doc__,
    ),
)
