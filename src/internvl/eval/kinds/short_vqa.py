"""Questions about a picture with a word or a phrase as answer: DocVQA, InfoVQA, ChartQA, TextVQA, OCRVQA, OCRBench.

    JSONL {image, question, question_id, answer} | TSV {index, image, question, answer} [, annotations by question id]
        --> Sample: picture, question, short prompt; reference: the accepted answers, or None --> score by the variant's rule

Paper and server of each set are named in its own file. Splits without published answers are answered all the same; `submission`
then has what the set's server takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.kinds import prompts, summary
from internvl.eval.kinds.layout import in_front
from internvl.eval.kinds.protocols import INTERNVL
from internvl.eval.readers import Row, TsvPictures, find_file, picture_at, question_rows, read_tsv
from internvl.eval.readers.cells import shown
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Task
from internvl.messages import Image


@dataclass(frozen=True)
class Question:
    """What a row of either format says. `asked_as` is the question's id as the file writes it, number or text."""

    row: Row
    id: str
    asked_as: int | str
    picture: Image
    text: str
    answers: tuple[str, ...]


class ShortVQA(Task):
    """A set of pictures with questions that a word or a phrase answers.

    rules: variant -> name of the function in `points`. blind: splits whose answers are not published. unique_ids: False where the
    published file's `question_id` is not one a question; the row's number is then the id.
    """

    rules: ClassVar[Mapping[str, str]]
    blind: ClassVar[frozenset[str]] = frozenset()
    unique_ids: ClassVar[bool] = True

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions of a split. Raises BenchmarkFileError."""
        gold = self.gold(root, split)
        for path in self.paths(root, split, variant):
            for question in read_questions(path, root, unique_ids=self.unique_ids):
                yield self._sample(question, gold, split, variant, path)

    def paths(self, root: Path, split: str, variant: str) -> tuple[Path, ...]:
        """The files of a split, read one after the other."""
        return (find_file(root, self.files[split], prefer=".jsonl" if variant == INTERNVL else ".tsv"),)

    def gold(self, root: Path, split: str) -> Mapping[str, list[str]]:
        """Accepted answers by question id, from the set's own annotation file; {} where the question file has them."""
        del root, split
        return {}

    def extra(self, question: Question, path: Path) -> dict[str, Any]:
        """What scoring and grouping need beside the question and its id."""
        del question, path
        return {}

    def _sample(self, question: Question, gold: Mapping[str, list[str]], split: str, variant: str, path: Path) -> Sample:
        # The annotation file numbers the questions of the JSONL file; an index of a TSV file is another number.
        own = gold.get(question.id) if path.suffix == ".jsonl" else None
        answers = own or list(question.answers)
        if not answers and split not in self.blind:
            raise question.row.error(f"there is no answer to question {shown(question.id)}, and {split!r} is not a blind split")
        self.check(question, answers, variant)
        ask = prompts.short_internvl if variant == INTERNVL else prompts.short_evalkit
        extra = {"question": question.text, "question_id": question.asked_as, "rule": self.rules[variant]}
        return Sample(
            id=self.sample_id(question, path),
            messages=(in_front((question.picture,), ask(question.text)),),
            reference=answers or None,
            extra={**extra, **self.extra(question, path)},
            row=question.row.number,
        )

    def check(self, question: Question, answers: Sequence[str], variant: str) -> None:
        """Refuse answers that the variant's rule can't score. Raises BenchmarkFileError."""
        del question, answers, variant

    def sample_id(self, question: Question, path: Path) -> str:
        """The id of a question, unique in the split."""
        del path
        return question.id if self.unique_ids else f"row-{question.row.number}"

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """{"score": 0...1, "prediction"}; 0 for an empty answer, and where the right one is not published."""
        prediction = summary.last(answers).strip()
        if not prediction or sample.reference is None:
            return {"score": 0.0, "prediction": prediction}
        return {"score": float(self.points(summary.last(answers), sample)), "prediction": prediction}

    def points(self, prediction: str, sample: Sample) -> float:
        """What an answer that is not empty is worth."""
        return _rule(str(sample.extra["rule"]))(prediction, sample.reference)

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{metric: mean score}, None where no answer is published."""
        return summary.with_blind({self.metric: summary.mean(summary.points(summary.labelled(rows)))}, rows)

    def submission(self, rows: Sequence[Scored]) -> list[dict[str, Any]]:
        """The answers as the original repository writes them for the set's scorer or server."""
        return [
            {"question": row.extra["question"], "question_id": row.extra["question_id"], "answer": summary.last(row.answers)}
            for row in rows
        ]


def read_questions(path: Path, root: Path, *, unique_ids: bool = True) -> Iterator[Question]:
    """The questions of a JSONL or TSV file. Raises BenchmarkFileError with the row."""
    if path.suffix == ".tsv":
        pictures = TsvPictures(path, root)
        for number, record in read_tsv(path, ("question",)):
            row = Row(path, number, record)
            asked_as = next(record[name] for name in ("questionId", "question_id", "index") if record.get(name))
            answers = row.texts("answer", literal=True)
            yield Question(row, record["index"], _number(asked_as), pictures.one(row), row.text("question"), tuple(answers))
        return
    for row in question_rows(path, "question", unique_ids=unique_ids):
        picture = picture_at(row.text("image"), root, path, row.number)
        asked_as = row.fields["question_id"]
        yield Question(row, row.key("question_id"), asked_as, picture, row.text("question"), tuple(row.texts("answer")))


def _number(text: str) -> int | str:
    """An id that is a whole number as one, as a server expects it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text


def annotated(rows: Sequence[Scored], key: str) -> list[dict[str, Any]]:
    """Answers with their gold, as the original repository's offline scorers read them; `key` names the id."""
    return [
        {
            "question": row.extra["question"],
            key: row.extra["question_id"],
            "answer": summary.last(row.answers),
            "annotation": row.reference,
        }
        for row in rows
    ]


def _rule(name: str) -> Callable[[str, Any], float]:
    """The scoring function of this name."""
    from internvl.eval.metrics.anls import anls
    from internvl.eval.metrics.exact import exact_match
    from internvl.eval.metrics.relaxed import relaxed_accuracy_internvl, relaxed_accuracy_standard
    from internvl.eval.metrics.vqa import vqa_accuracy_10, vqa_score_vlmevalkit

    rules: dict[str, Callable[[str, Any], float]] = {
        "anls": anls,
        "exact_match": exact_match,
        "relaxed_accuracy_internvl": relaxed_accuracy_internvl,
        "relaxed_accuracy_standard": relaxed_accuracy_standard,
        "vqa_accuracy_10": vqa_accuracy_10,
        "vqa_score_vlmevalkit": vqa_score_vlmevalkit,
    }
    return rules[name]
