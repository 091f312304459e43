"""TabMWP (Lu et al. 2023): problems_train.json.

Reads {id: {question, choices, answer, unit, solution, ques_type}}; a question with choices asks for a letter, one with a unit
names it. `solution` lets the answer explain itself first. Pictures: tables/ID.png.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.choices import matching
from internvl.pipelines.convert.phrasing import choice, letter, short
from internvl.pipelines.convert.reading import keyed_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked

ASKS = ("answer", "solution")


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(keyed_rows(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    question, answer = _asked(row, inputs.settings.language)
    if inputs.settings.ask == "solution":
        question, answer = question.rpartition("\n")[0], f"{row.text('solution')}\nAnswer: {answer}"
    name = f"{row.key('key')}.png"
    yield Sample(
        place=row.place, turns=asked(question, answer), image=inputs.pictures.find([f"tables/{name}", name]), id=row.key("key")
    )


def _asked(row: Row, language: str) -> tuple[str, str]:
    question, unit = row.text("question"), row.optional_text("unit")
    if row.fields.get("choices"):
        options = row.texts("choices")
        return choice(question, options, language), letter(matching(row.text("answer"), options))
    return short(f"{question} (unit: {unit})" if unit else question, language), row.text("answer")


CONVERTERS = (
    Converter(
        name="tabmwp",
        title="TabMWP",
        task="mathematics",
        languages=("en",),
        samples=_samples,
        asks=ASKS,
        pictures="tables/*.png",
        about=__doc__,
    ),
)
