"""Instructions without pictures, as Alpaca has them.

{"instruction": "...", "input": "...", "output": "..."} --> "instruction\\ninput" -> output
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.reading import file_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def instruction_samples(inputs: Inputs) -> Iterator[Outcome]:
    """A sample for each instruction; its input, where there is one, follows on a line of its own."""
    for path in inputs.all("annotations", ".jsonl"):
        yield from by_row(file_rows(path), _samples)


def _samples(row: Row) -> Iterator[Outcome]:
    question = "\n".join(filter(None, [row.text("instruction"), row.optional_text("input")]))
    yield Sample(place=row.place, turns=asked(question, row.text("output")))
