"""TextVQA: questions about text in photographs; agreement with ten people (Singh et al. 2019).

data/textvqa/textvqa_val.jsonl + textvqa_val_annotations.json, or TextVQA_VAL.tsv --> answers --> VQA accuracy

The split `val_ocr` asks with the words that the Rosetta OCR system read, as in the table's starred cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from internvl.eval.kinds import protocols
from internvl.eval.kinds.short_vqa import Question, ShortVQA
from internvl.eval.metrics.vqa import PEOPLE
from internvl.eval.readers import Row, read_json_list
from internvl.eval.readers.files import at_evalkit, at_repository
from internvl.eval.task import Protocol

_ANNOTATIONS = at_repository("textvqa/textvqa_val_annotations.json")


class TextVQA(ShortVQA):
    """6 tiles, 10 new tokens; ten answers a question."""

    name = "textvqa"
    title = "TextVQA"
    splits = ("val", "val_ocr")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "val": (*at_repository("textvqa/textvqa_val.jsonl"), *at_evalkit("TextVQA_VAL")),
        "val_ocr": at_repository("textvqa/textvqa_val_llava.jsonl"),
    }
    variants: ClassVar[Mapping[str, Protocol]] = {**protocols.internvl(6, 10), **protocols.evalkit(6)}
    metric = "vqa_accuracy"
    rules: ClassVar[Mapping[str, str]] = {
        protocols.INTERNVL: "vqa_accuracy_10",
        protocols.EVALKIT_2024: "vqa_score_vlmevalkit",
        protocols.EVALKIT: "vqa_score_vlmevalkit",
    }
    published: ClassVar[Mapping[str, str]] = {"val": "TextVQA val"}

    def gold(self, root: Path, split: str) -> Mapping[str, list[str]]:
        """Ten answers by question id, from the official annotations."""
        del split
        path = next((root / name for name in _ANNOTATIONS if (root / name).exists()), None)
        return {} if path is None else _ten_answers(path)

    def check(self, question: Question, answers: Sequence[str], variant: str) -> None:
        """The original scorer needs ten answers; the JSONL file alone has one."""
        if self.rules[variant] == "vqa_accuracy_10" and len(answers) != PEOPLE:
            raise question.row.error(f"{PEOPLE} answers are expected, there are {len(answers)}; they come from {_ANNOTATIONS[0]}")


def _ten_answers(path: Path) -> dict[str, list[str]]:
    found = {}
    for number, record in read_json_list(path, ("answers",), under="annotations", key="question_id"):
        row = Row(path, number, record)
        answers = record["answers"]
        if not isinstance(answers, list) or len(answers) != PEOPLE:
            raise row.error(f"'answers' must be a list of {PEOPLE}")
        if not all(isinstance(answer, dict) and isinstance(answer.get("answer"), str) for answer in answers):
            raise row.error("each of 'answers' must be an object with the text 'answer'")
        found[str(record["question_id"])] = [answer["answer"] for answer in answers]
    return found


TASK = TextVQA
