"""AI2D (Kembhavi et al. 2016): questions/*.png.json, a file a diagram; --annotations is the folder of them.

Reads {imageName, questions: {question: {answerTexts, correctAnswer, abcLabel, questionId}}}. A question with abcLabel means the
letters drawn in abc_images/, the others the diagram in images/. The test pictures are among these files; the published list
ai2d_test_ids.csv leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.choices import chosen
from internvl.pipelines.convert.phrasing import choice, letter
from internvl.pipelines.convert.reading import json_value
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Place, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    tests = {line.strip() for path in inputs.all("test_ids") for line in path.read_text("utf-8-sig").splitlines()}
    for path in inputs.all("annotations", ".json"):
        if path.name.split(".")[0] in tests:
            continue
        row = Row(Place(str(path), 1), {"name": json_value(path, "imageName"), "questions": json_value(path, "questions")})
        yield from by_row([row], lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    name, questions = row.text("name"), row.inside("questions")
    for question in questions.fields:
        each = questions.inside(question)
        options = each.texts("answerTexts")
        folder = "abc_images" if each.fields.get("abcLabel") else "images"
        turns = asked(choice(question.strip(), options, inputs.settings.language), letter(chosen(each, "correctAnswer", options)))
        image = inputs.pictures.find([f"{folder}/{name}", name])
        yield Sample(place=row.place, turns=turns, image=image, id=each.optional_text("questionId") or None)


CONVERTERS = (
    Converter(
        name="ai2d",
        title="AI2D",
        task="science",
        languages=("en",),
        samples=_samples,
        files=("annotations", "test_ids"),
        optional=("test_ids",),
        pictures="images/*.png and abc_images/*.png",
        checked="a public loader",
        about=__doc__,
    ),
)
