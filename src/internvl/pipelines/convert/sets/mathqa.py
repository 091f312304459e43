"""MathQA (Amini et al. 2019): train.json.

Reads [{Problem, Rationale, options, correct}], options being one text, `a ) 38 , b ) 27.675 , ...`. There are no pictures.
`letter` asks for a letter, `rationale` lets the answer explain itself first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.choices import matching
from internvl.pipelines.convert.phrasing import choice, letter
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refused, Sample, asked

ASKS = ("letter", "rationale")
_OPTION = re.compile(r"(?:^|,)\s*([a-e])\s*\)\s*")


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(json_items(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    options = _options(row.text("options"))
    question = choice(row.text("Problem"), options, inputs.settings.language)
    answer = letter(matching(row.text("correct"), options))
    if inputs.settings.ask == "rationale":
        question, answer = question.rpartition("\n")[0], f"{row.text('Rationale').strip(chr(34)).strip()}\nAnswer: {answer}"
    yield Sample(place=row.place, turns=asked(question, answer))


def _options(text: str) -> list[str]:
    """The texts behind `a )`, `b )` and so on, which must follow each other from a."""
    parts = _OPTION.split(text)
    if parts[1::2] != list("abcde")[: len(parts) // 2] or len(parts) < 5:
        raise Refused(f"wrong options: `a ) ... , b ) ...` is expected, not {text!r:.80}")
    return [part.strip().rstrip(",").strip() for part in parts[2::2]]


CONVERTERS = (
    Converter(
        name="mathqa",
        title="MathQA",
        task="mathematics",
        languages=("en",),
        samples=_samples,
        asks=ASKS,
        about=__doc__,
    ),
)
