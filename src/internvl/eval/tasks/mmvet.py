"""MM-Vet: 218 open questions that need several abilities at once, graded from 0 to 1 by a language model.

    mm-vet/llava-mm-vet.jsonl {image, text, question_id} + mm-vet.json {v1_0: {answer, capability}}     original repository
    MMVet.tsv {index, image, question, answer, category}                                               VLMEvalKit
        --> Sample: picture and question; reference: gold with <AND>, <OR> --> judge --> grade --> mean, and a mean an ability

The original repository's row of the tables was graded by GPT-4-0613 on the authors' page, VLMEvalKit's by GPT-4-Turbo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.judge import JudgeSpec
from internvl.eval.judge_prompts import mmvet_request
from internvl.eval.kinds import summary
from internvl.eval.kinds.graded import grade_of, waiting
from internvl.eval.kinds.layout import in_front
from internvl.eval.kinds.protocols import INTERNVL, evalkit, internvl
from internvl.eval.metrics.mmvet import ABILITIES, mmvet_aggregate
from internvl.eval.readers import Row, TsvPictures, find_file, picture_at, read_json, read_jsonl, read_tsv
from internvl.eval.readers.files import at_evalkit, at_repository
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Protocol, Task
from internvl.messages import Image


class MMVet(Task):
    """MM-Vet (Yu et al., 2023)."""

    name = "mmvet"
    title = "MM-Vet"
    splits = ("test",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "test": (*at_repository("mm-vet/llava-mm-vet.jsonl"), *at_evalkit("MMVet")),
    }
    variants: ClassVar[Mapping[str, Protocol]] = {**internvl(6, 1000), **evalkit(6)}
    metric = "overall"
    published: ClassVar[Mapping[str, str]] = {"test": "MMVet (GPT-4-Turbo)"}
    judge: ClassVar[JudgeSpec | None] = JudgeSpec(
        model="gpt-4-turbo", prompt_name="mmvet", max_tokens=3, retries=5, models={INTERNVL: "gpt-4-0613"}
    )

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions. Raises BenchmarkFileError."""
        path = find_file(root, self.files[split], prefer=".jsonl" if variant == INTERNVL else ".tsv")
        blank = " " if variant == INTERNVL else ""  # the original appends its empty prompt with a blank
        for row, key, picture, question, gold, category in _tsv(path, root) if path.suffix == ".tsv" else _jsonl(path, root):
            yield Sample(
                id=key,
                messages=(in_front((picture,), question + blank),),
                reference=gold,
                extra={"question": question, "category": _abilities(category, row)},
                row=row.number,
            )

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """0 for an empty answer; any other is for the judge."""
        del sample
        return waiting(answers)

    def judge_request(self, sample: Sample, answers: Sequence[str]) -> str:
        """A table that ends with this question, its gold and the answer; the grade is missing."""
        return mmvet_request(str(sample.extra["question"]), str(sample.reference), summary.last(answers))

    def judged(self, sample: Sample, answers: Sequence[str], reply: str) -> Mapping[str, Any]:
        """The grade. Raises EvalError for a reply that is no number from 0 to 1."""
        del sample
        return {"score": grade_of(reply, float, 1, "a grade from 0.0 to 1.0"), "prediction": summary.last(answers)}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{"overall" and each ability: 0...1}, as VLMEvalKit counts: a question of a single ability counts twice in its row."""
        if not rows:
            return {self.metric: 0.0}
        table = mmvet_aggregate(summary.points(rows), [str(row.extra["category"]) for row in rows])
        return {self.metric: table["Overall"] / 100, **{name: table[name] / 100 for name in ABILITIES if name in table}}

    def submission(self, rows: Sequence[Scored]) -> dict[str, str]:
        """The answers as the authors' page takes them: {"v1_0": answer}."""
        return {row.id: summary.last(row.answers) for row in rows}


def _jsonl(path: Path, root: Path) -> Iterator[tuple[Row, str, Image, str, str, str]]:
    """Row, id, picture, question, gold, abilities; the latter two are in the authors' own file."""
    gold_path = path.with_name("mm-vet.json")
    answers = read_json(gold_path)
    for number, record in read_jsonl(path, ("image", "text"), key="question_id"):
        row = Row(path, number, record)
        key = f"v1_{row.key('question_id').removeprefix('v1_')}"
        gold = answers.get(key) if isinstance(answers, dict) else None
        if not isinstance(gold, dict) or not isinstance(gold.get("capability"), list):
            raise row.error(f"{gold_path} has no answer and abilities for {key!r}")
        picture = picture_at(row.text("image"), root, path, number, folders=("images",))
        yield row, key, picture, row.text("text"), Row(gold_path, number, gold).text("answer"), ",".join(map(str, gold["capability"]))


def _tsv(path: Path, root: Path) -> Iterator[tuple[Row, str, Image, str, str, str]]:
    pictures = TsvPictures(path, root)
    for number, record in read_tsv(path, ("question", "answer", "category")):
        row = Row(path, number, record)
        yield row, row.key("index"), pictures.one(row), row.text("question"), row.text("answer"), row.text("category")


def _abilities(category: str, row: Row) -> str:
    unknown = [name for name in category.split(",") if name not in ABILITIES]
    if unknown:
        raise row.error(f"abilities are {', '.join(ABILITIES)}, joined by commas; not {category[:80]!r}")
    return category


TASK = MMVet
