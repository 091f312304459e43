"""ScienceQA (Lu et al. 2022): problems.json.

Reads {id: {question, choices, answer, hint, image, solution, split}}; only the split train, with or without a picture. The hint
is given as context. `letter` asks for a letter, `solution` lets the answer explain itself first. Pictures: train/ID/image.png.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.choices import chosen
from internvl.pipelines.convert.phrasing import choice, letter
from internvl.pipelines.convert.reading import keyed_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked

ASKS = ("letter", "solution")


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(keyed_rows(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    split = row.optional_text("split") or "train"
    if split != "train":
        return
    name, options = row.optional_text("image"), row.texts("choices")
    image = inputs.pictures.find([f"{split}/{row.key('key')}/{name}", f"images/{split}/{row.key('key')}/{name}"]) if name else None
    hint = row.optional_text("hint")
    question = choice(row.text("question"), options, inputs.settings.language, hint=f"Context: {hint}" if hint else "")
    answer = letter(chosen(row, "answer", options))
    if inputs.settings.ask == "solution":
        question, answer = question.rpartition("\n")[0], f"{row.text('solution')}\nAnswer: {answer}"
    yield Sample(place=row.place, turns=asked(question, answer), image=image, id=row.key("key"))


CONVERTERS = (
    Converter(
        name="scienceqa",
        title="ScienceQA",
        task="science",
        languages=("en",),
        samples=_samples,
        asks=ASKS,
        pictures="train/ID/image.png",
        about=__doc__,
    ),
)
