"""COIG-CQIA (Bai et al. 2024): a .jsonl a source, such as zhihu/zhihu_score8.0-8.4_v2.jsonl; a folder stands for all below it.

Reads {instruction, input, output}; task_type, domain and the other fields are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.instructions import instruction_samples
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return instruction_samples(inputs)


CONVERTERS = (
    Converter(
        name="coig_cqia",
        title="COIG-CQIA",
        task="text_only",
        languages=("zh",),
        samples=_samples,
        takes=(),
        about=__doc__,
    ),
)
