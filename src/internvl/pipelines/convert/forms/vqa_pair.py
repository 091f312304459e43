"""The two files of VQAv2 and OK-VQA: questions, and ten people's answers to each.

questions: {"data_subtype", "questions": [{image_id, question_id, question}]}
annotations: {"annotations": [{question_id, answers: [{answer}], multiple_choice_answer}]}   joined by question_id
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from internvl.pipelines.convert.answers import most_common
from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.forms.coco_names import coco_paths
from internvl.pipelines.convert.phrasing import short
from internvl.pipelines.convert.reading import json_items, json_value
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refusal, Refused, Sample, asked

FILES = ("questions", "annotations")


def vqa_pair(inputs: Inputs) -> Iterator[Outcome]:
    """A sample for each question, answered by the most common of its answers."""
    questions, annotations = inputs.one("questions"), inputs.one("annotations")
    answers: dict[str, str] = {}
    for row in json_items(annotations, "annotations.item"):
        if isinstance(row, Refusal):
            yield row
            continue
        try:
            answers[row.key("question_id")] = _answer(row)
        except Refused as error:
            yield Refusal(row.place, str(error))
    split = _split(questions)

    def make(row: Row) -> Iterator[Outcome]:
        answer = answers.get(row.key("question_id"))
        if answer is None:
            raise Refused(f"no answer: the annotations have none for question {row.key('question_id')}")
        image = inputs.pictures.find(coco_paths(row.whole("image_id"), split))
        turns = asked(short(row.text("question"), inputs.settings.language), answer)
        yield Sample(place=row.place, turns=turns, image=image, id=row.key("question_id"))

    yield from by_row(json_items(questions, "questions.item"), make)


def _answer(row: Row) -> str:
    if row.fields.get("answers"):
        return most_common([each.optional_text("answer") for each in row.each("answers")])
    return row.text("multiple_choice_answer")


def _split(questions: Path) -> str:
    named = json_value(questions, "data_subtype")
    return named if isinstance(named, str) and named else "train2014"
