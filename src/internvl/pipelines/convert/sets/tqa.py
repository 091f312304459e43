"""TQA (Kembhavi et al. 2017): tqa_v1_train.json.

Reads [{questions: {diagramQuestions: {id: {beingAsked, answerChoices, correctAnswer, imagePath}}}}], each text under
processedText; the right answer is a letter. Questions without a diagram (nonDiagramQuestions) become text. Pictures: imagePath
below the root.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.choices import matching
from internvl.pipelines.convert.phrasing import choice, letter
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refusal, Refused, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(json_items(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    questions = row.inside("questions")
    for group in ("diagramQuestions", "nonDiagramQuestions"):
        if questions.fields.get(group):
            yield from _group_samples(questions.inside(group), inputs)


def _group_samples(listed: Row, inputs: Inputs) -> Iterator[Outcome]:
    for key in listed.fields:
        try:
            yield _sample(key, listed.inside(key), inputs)
        except Refused as error:
            yield Refusal(listed.place, f"{error} (question {key})")


def _sample(key: str, row: Row, inputs: Inputs) -> Sample:
    choices = row.inside("answerChoices")
    options = [choices.inside(name).text("processedText") for name in sorted(choices.fields)]
    right = matching(row.inside("correctAnswer").text("processedText"), options)
    image = inputs.pictures.find([row.text("imagePath")]) if row.fields.get("imagePath") else None
    question = choice(row.inside("beingAsked").text("processedText"), options, inputs.settings.language)
    return Sample(place=row.place, turns=asked(question, letter(right)), image=image, id=key)


CONVERTERS = (
    Converter(
        name="tqa",
        title="TQA",
        task="science",
        languages=("en",),
        samples=_samples,
        pictures="question_images/*.png, as written",
        checked="the data set's description of its structure",
        about=__doc__,
    ),
)
