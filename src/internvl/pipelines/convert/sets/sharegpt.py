"""ShareGPT: ShareGPT_V3_unfiltered_cleaned_split.json and its relatives.

Reads [{id, conversations: [{from, value}]}]. Conversations that were cut so that they begin with an answer, or end with a
question, are refused; speakers other than human, gpt and system, too.
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
        name="sharegpt",
        title="ShareGPT",
        task="text_only",
        languages=("en", "zh"),
        samples=_samples,
        checked="this package's reader of ShareGPT files",
        takes=(),
        about=__doc__,
    ),
)
