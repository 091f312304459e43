"""MMMU: college-level questions of thirty subjects with one picture or several (Yue et al. 2024).

MMMU/<Subject>/validation-*.parquet, or MMMU_DEV_VAL.tsv --> answers --> accuracy, by domain and subject

The table prints two numbers: the original repository's (6 tiles, plain equality of letters) and VLMEvalKit's (12 tiles, matching).
Both enlarge the first picture to twice its size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from internvl.errors import MediaError
from internvl.eval.kinds import prompts, protocols, summary
from internvl.eval.kinds.layout import cited_2024, cited_head, doubled, in_front, in_order_of_marks, share_tiles
from internvl.eval.kinds.letters import matched_letter
from internvl.eval.kinds.mmmu_files import DOMAIN_OF, Question, read_mmmu
from internvl.eval.metrics.mmmu import mmmu_open
from internvl.eval.readers import find_file
from internvl.eval.readers.files import at_evalkit, at_repository
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Protocol, Task
from internvl.messages import Image, Message

_FOLDER = at_repository("MMMU", "mmmu")
_NAMES = {"val": "validation", "dev": "dev", "test": "test"}
_SEPARATE = "several pictures stand in front as blocks of their own; the original repository joins their tiles into one block"


class MMMU(Task):
    """The published split is validation, 900 questions."""

    name = "mmmu"
    title = "MMMU"
    splits = ("val", "dev", "test")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "val": (*_FOLDER, *at_evalkit("MMMU_DEV_VAL")),
        "dev": (*_FOLDER, *at_evalkit("MMMU_DEV_VAL")),
        "test": (*_FOLDER, *at_evalkit("MMMU_TEST")),
    }
    variants: ClassVar[Mapping[str, Protocol]] = {**protocols.internvl(6, 10, _SEPARATE), **protocols.evalkit(12, protocols.NO_JUDGE)}
    metric = "accuracy"
    published: ClassVar[Mapping[str, str]] = {"val": "MMMU val"}

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions of a split. Raises BenchmarkFileError."""
        path = find_file(root, self.files[split], prefer="" if variant == protocols.INTERNVL else ".tsv")
        for question in read_mmmu(path, _NAMES[split], root):
            golds = question.golds
            if golds is None and split != "test":
                raise question.row.error(f"'answer' is empty, and {split!r} is not a blind split")
            yield Sample(
                id=question.id,
                messages=(_message(question, variant),),
                reference=None if golds is None else golds[0] if question.options else golds,
                extra={
                    "choices": dict(question.options) or _two_way(question),
                    "rule": variant,
                    "question_type": "multiple-choice" if question.options else "open",
                    "subject": question.subject,
                    "domain": DOMAIN_OF.get(question.subject, "other"),
                },
                row=question.row.number,
            )

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """{"score": 0 or 1, "prediction"}: the letter, or what an open question was answered."""
        answer, rule = summary.last(answers), str(sample.extra["rule"])
        is_open = sample.extra["question_type"] == "open"
        if not answer.strip() or sample.reference is None:
            return {"score": 0.0, "prediction": answer.strip()}
        if is_open and rule == protocols.INTERNVL:
            return {"score": float(mmmu_open(answer, sample.reference)), "prediction": answer.strip()}
        letter = matched_letter(answer, sample.extra["choices"], rule)
        gold = "A" if is_open else sample.reference
        return {"score": float(letter == gold), "prediction": answer.strip() if letter is None else letter}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{accuracy, domain: {name: accuracy}, subject: {name: accuracy}}, each weighted by questions."""
        known = summary.labelled(rows)
        scores = {
            "accuracy": summary.mean(summary.points(known)),
            "domain": summary.means_by(known, "domain"),
            "subject": summary.means_by(known, "subject"),
        }
        return summary.with_blind(scores, rows)

    def submission(self, rows: Sequence[Scored]) -> dict[str, str]:
        """{id: answer}: letters as the original repository reads them, open answers as they are."""
        from internvl.eval.metrics.choices import internvl_mcq_post_process

        return {
            row.id: internvl_mcq_post_process(summary.last(row.answers), row.extra["choices"])
            if row.extra["question_type"] == "multiple-choice"
            else summary.last(row.answers)
            for row in rows
        }


def _two_way(question: Question) -> dict[str, str]:
    """VLMEvalKit's options of an open question, for matching only; the first is right."""
    return {"A": question.answer, "B": "Other Answers"} if question.answer else {}


def _message(question: Question, variant: str) -> Message:
    """The question as the variant lays it out."""
    if variant == protocols.INTERNVL:
        pictures = _first_doubled(question, question.pictures)
        return in_front((*pictures[:1], *(replace(picture, max_tiles=1) for picture in pictures[1:])), _internvl_text(question))
    text = prompts.letter_evalkit(question.text, question.hint, question.options)
    try:
        pictures = _first_doubled(question, in_order_of_marks(question.pictures, text))
    except IndexError as error:
        raise question.row.error(
            f"a mark such as <image 2> names a picture that is not there; there are {len(question.pictures)}"
        ) from error
    if variant == protocols.EVALKIT_2024:
        return cited_2024(pictures, text)
    return cited_head(share_tiles(pictures, MMMU.variants[variant].max_tiles), text)


def _internvl_text(question: Question) -> str:
    options = [f"{letter}. {text}" for letter, text in question.options.items()]
    return "\n".join((question.text, *options, prompts.LETTER if options else prompts.SHORT))


def _first_doubled(question: Question, pictures: Sequence[Image]) -> tuple[Image, ...]:
    try:
        return tuple(doubled(picture) if place == 0 else picture for place, picture in enumerate(pictures))
    except MediaError as error:
        raise question.row.error(f"the first picture can't be used: {error}") from error


TASK = MMMU
