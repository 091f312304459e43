"""Alpaca-GPT4 (Peng et al. 2023): alpaca_gpt4_data.json, and alpaca_gpt4_data_zh.json in Chinese.

Reads [{instruction, input, output}].
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
        name="alpaca_gpt4",
        title="Alpaca-GPT4",
        task="text_only",
        languages=("en", "zh"),
        samples=_samples,
        takes=(),
        about=__doc__,
    ),
)
