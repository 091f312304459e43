"""MathVista: mathematics in pictures; the answer is an option, a number, a text or a list (Lu et al., 2023).

    MathVista/annot_testmini.json + images/ | Parquet of the hub                    original repository
    MathVista_MINI.tsv                                                              VLMEvalKit
        --> Sample: picture, query --> extraction by rule, else by a judge --> compared with the gold --> accuracy, and by task, skill

The original repository normalises what was extracted (nearest choice, rounding); VLMEvalKit compares as it is, and never accepts
texts and lists. "internvl-cot" asks for steps and a `Final answer:`, which needs no judge.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.errors import EvalError
from internvl.eval.judge import UNDECIDED, JudgeSpec
from internvl.eval.judge_prompts import mathvista_request
from internvl.eval.kinds import summary
from internvl.eval.kinds.layout import in_front
from internvl.eval.kinds.protocols import INTERNVL, evalkit, internvl
from internvl.eval.metrics.choices import mcq_can_infer_2024
from internvl.eval.metrics.mathvista import (
    lettered,
    mathvista_normalise,
    mathvista_post_check,
    mathvista_quick_extract,
    read_float,
    read_integer,
)
from internvl.eval.readers import (
    Row,
    TsvPictures,
    find_file,
    picture_at,
    picture_from_bytes,
    python_list,
    read_json,
    read_parquet,
    read_tsv,
)
from internvl.eval.readers.files import at_evalkit, at_repository
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Decoding, Protocol, Task
from internvl.messages import Image

COT = "internvl-cot"

COT_PROMPT = (
    "Your task is to answer the question below. Give step by step reasoning before you answer, and when you're ready to answer, "
    'please use the format "Final answer: .."\n\nQuestion:\n\n{question}'
)

QUESTION_TYPES = ("multi_choice", "free_form")
ANSWER_TYPES = ("text", "integer", "float", "list")
GROUPS = ("task", "question_type", "answer_type", "category", "context", "grade", "source", "language")


class MathVista(Task):
    """MathVista."""

    name = "mathvista"
    title = "MathVista"
    splits = ("testmini", "test")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "testmini": (
            *at_repository("MathVista/annot_testmini.json"),
            *at_repository("MathVista/data/testmini-00000-of-00001-725687bf7a18d64b.parquet", "MathVista/testmini.parquet"),
            *at_evalkit("MathVista_MINI"),
        ),
        "test": at_repository("MathVista/annot_test.json", "MathVista/test.parquet"),
    }
    variants: ClassVar[Mapping[str, Protocol]] = {
        **internvl(6, 4096, "what rules can't extract is extracted by the judge with VLMEvalKit's wording of the five examples"),
        COT: Protocol(max_tiles=6, decoding=Decoding(max_new_tokens=4096), note="step by step; extracted by rule"),
        **evalkit(6),
    }
    metric = "accuracy"
    published: ClassVar[Mapping[str, str]] = {"testmini": "MathVista testmini"}
    judge: ClassVar[JudgeSpec | None] = JudgeSpec(
        model="gpt-4-turbo", prompt_name="mathvista", max_tokens=128, retries=5, models={INTERNVL: "gpt-4-0613"}
    )

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions. Raises BenchmarkFileError."""
        path = find_file(root, self.files[split], prefer=".tsv" if variant not in (INTERNVL, COT) else ".json")
        readers = {".tsv": _tsv, ".json": _json, ".parquet": _parquet}
        for row, picture in readers[path.suffix](path, root):
            query = row.text("question" if path.suffix == ".tsv" else "query")
            asked = COT_PROMPT.replace("{question}", query) if variant == COT else query
            yield Sample(
                id=row.key("index" if path.suffix == ".tsv" else "pid"),
                messages=(in_front((picture,), asked),),
                reference=_gold(row, blind=split == "test"),
                extra={"query": query, "rule": variant, **_kind(row), **_groups(row)},
                row=row.number,
            )

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """The score where a rule extracts the answer; else what a quick look gives, undecided until a judge has read it."""
        text = summary.last(answers)
        if not text.strip() or sample.reference is None:
            return {"score": 0.0, "prediction": text}
        extracted = _by_rule(text, sample)
        if extracted is not None:
            return _compared(extracted, sample)
        return {**_compared(mathvista_quick_extract(text), sample), UNDECIDED: True}

    def judge_request(self, sample: Sample, answers: Sequence[str]) -> str:
        """Five examples, the query, the reply to extract from."""
        return mathvista_request(str(sample.extra["query"]), summary.last(answers))

    def judged(self, sample: Sample, answers: Sequence[str], reply: str) -> Mapping[str, Any]:
        """The score of what the judge extracted. Raises EvalError for an empty reply."""
        del answers
        if not reply.strip():
            raise EvalError("an extracted answer was expected, the reply is empty")
        return _compared(reply.strip(), sample)

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{"accuracy": mean, and by task, skill and the other fields of the metadata}."""
        known = summary.labelled(rows)
        groups = {name: summary.means_by(known, name) for name in GROUPS}
        skills: dict[str, list[float]] = {}
        for row in known:
            for skill in row.extra.get("skills", ()):
                skills.setdefault(str(skill), []).append(float(row.score["score"]))
        means = {skill: summary.mean(points) for skill, points in skills.items()}
        found = {name: group for name, group in {**groups, "skills": means}.items() if group}
        return summary.with_blind({self.metric: summary.mean(summary.points(known)), **found}, rows)


def _by_rule(text: str, sample: Sample) -> str | None:
    """The answer where a rule of the variant can tell it, None where a judge has to."""
    extra = sample.extra
    if extra["rule"] == COT:
        return _plain_answer(text, extra) or mathvista_quick_extract(text)
    if extra["rule"] == INTERNVL:
        return _plain_answer(text, extra)
    if extra["question_type"] == "multi_choice":
        letter = mcq_can_infer_2024(text, lettered(extra["choices"]))
        return str(letter) if letter else None
    if extra["answer_type"] in ("text", "list"):  # never right, whatever a judge would extract
        return text
    return text if _compared(text, sample)["score"] else None


def _plain_answer(text: str, extra: Mapping[str, Any]) -> str | None:
    """An answer that is nothing but a choice or a number."""
    if extra["question_type"] == "multi_choice" and text in extra["choices"]:
        return text
    if extra["answer_type"] not in ("integer", "float"):
        return None
    number = read_integer(text) if extra["answer_type"] == "integer" else read_float(text)
    return None if number is None else str(number)


def _compared(extracted: str, sample: Sample) -> dict[str, Any]:
    """{"score": 0 or 1, "prediction"} by the variant's comparison."""
    extra, gold = sample.extra, str(sample.reference)
    if extra["rule"] in (INTERNVL, COT):
        value = mathvista_normalise(extracted, extra["choices"], extra["question_type"], extra["answer_type"], extra["precision"])
        return {"score": float(bool(value) and value == gold), "prediction": value}
    right = mathvista_post_check(
        extracted, gold, extra["question_type"], extra["answer_type"], extra["choices"], extra["answer_option"]
    )
    return {"score": float(right), "prediction": extracted}


def _kind(row: Row) -> dict[str, Any]:
    """Of which type question and answer are, as the comparison needs it."""
    question_type, answer_type = row.text("question_type"), row.text("answer_type")
    if question_type not in QUESTION_TYPES or answer_type not in ANSWER_TYPES:
        raise row.error(
            f"question_type is one of {', '.join(QUESTION_TYPES)} and answer_type one of {', '.join(ANSWER_TYPES)}, "
            f"not {question_type[:40]!r} and {answer_type[:40]!r}"
        )
    choices = row.texts("choices", literal=True) if question_type == "multi_choice" else []
    if question_type == "multi_choice" and not choices:
        raise row.error("a multi_choice question needs its 'choices'")
    return {
        "question_type": question_type,
        "answer_type": answer_type,
        "choices": choices or None,
        "precision": _precision(row),
        "answer_option": row.optional_text("answer_option") or None,
    }


def _precision(row: Row) -> float | None:
    """Digits behind the point; TSV has them as text, and not always."""
    value = row.fields.get("precision")
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    try:
        digits = float(value)
    except (TypeError, ValueError) as error:
        raise row.error(f"'precision' is a number of digits, not {str(value)[:40]!r}") from error
    if not 0 <= digits <= 20:
        raise row.error(f"'precision' is a number of digits from 0 to 20, not {digits}")
    return digits


def _gold(row: Row, *, blind: bool) -> str | None:
    if blind and not row.fields.get("answer"):
        return None
    return row.text("answer")


def _groups(row: Row) -> dict[str, Any]:
    """Task, skills and the like: columns of the TSV, else the object `metadata`."""
    metadata = row.fields.get("metadata")
    found = {**row.fields, **metadata} if isinstance(metadata, dict) else row.fields
    skills = found.get("skills") or []
    if isinstance(skills, str):
        skills = python_list(skills, row) if skills.startswith("[") else [skills]
    names = {name: str(found[name]) for name in GROUPS if name not in ("question_type", "answer_type") and found.get(name)}
    return {**names, "skills": [str(skill) for skill in skills]}


def _tsv(path: Path, root: Path) -> Iterator[tuple[Row, Image]]:
    pictures = TsvPictures(path, root)
    for number, record in read_tsv(path, ("question", "answer", "question_type", "answer_type", "choices")):
        row = Row(path, number, record)
        yield row, pictures.one(row)


def _json(path: Path, root: Path) -> Iterator[tuple[Row, Image]]:
    problems = read_json(path)
    if not isinstance(problems, dict) or not all(isinstance(problem, dict) for problem in problems.values()):
        raise Row(path, 0, {}).error("an object of problems by their pid is expected")
    for number, (pid, problem) in enumerate(problems.items(), start=1):
        row = Row(path, number, {**problem, "pid": pid})
        yield row, picture_at(row.text("image"), root, path, number)


def _parquet(path: Path, root: Path) -> Iterator[tuple[Row, Image]]:
    del root
    for number, record in read_parquet(path, ("query", "decoded_image", "question_type", "answer_type"), key="pid"):
        row = Row(path, number, record)
        picture = record["decoded_image"]
        if not isinstance(picture, dict) or not isinstance(picture.get("bytes"), bytes):
            raise row.error("'decoded_image' must hold the bytes of a picture")
        yield row, picture_from_bytes(picture["bytes"], path, number)


TASK = MathVista
