"""MM-Vet, MathVista and ConvBench: published files, literal prompts, what rules decide and what the judge does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from asked_tasks import asked, headline, judge_that, read, text_of
from benchmark_files import drawn, in_base64, put_jsonl, put_picture, put_text, put_tsv

from internvl.eval.errors import BenchmarkFileError
from internvl.eval.generator import Ask
from internvl.eval.judge import UNDECIDED, why_unofficial
from internvl.eval.judge_prompts import mathvista_request, mmvet_request
from internvl.eval.tasks.mathvista import COT, MathVista
from internvl.eval.tasks.mmvet import MMVet

MMVET = (("What is it?", "cat<AND>mat", "rec"), ("What and why?", "tea<OR>chai", "rec,know"), ("Add up.", "12", "ocr,spat,math"))


def put_mmvet(root: Path) -> None:
    """The original repository's questions and the authors' answers."""
    rows, gold = [], {}
    for number, (question, answer, abilities) in enumerate(MMVET):
        put_picture(root, f"data/mm-vet/images/v1_{number}.png")
        rows.append({"image": f"v1_{number}.png", "text": question, "question_id": number})
        gold[f"v1_{number}"] = {"question": question, "answer": answer, "capability": abilities.split(",")}
    put_jsonl(root / "data/mm-vet/llava-mm-vet.jsonl", rows)
    put_text(root / "data/mm-vet/mm-vet.json", json.dumps(gold))


def put_mmvet_tsv(root: Path) -> None:
    rows = [
        {"index": number, "image": in_base64(question), "question": question, "answer": answer, "category": abilities}
        for number, (question, answer, abilities) in enumerate(MMVET)
    ]
    put_tsv(root / "MMVet.tsv", rows)


def grades(*by_question: str) -> Callable[[Ask], str]:
    """A judge that grades by the question in the last row of its table."""

    def reply(ask: Ask) -> str:
        asked_about = ask.messages[-1].text.rsplit("\n", 1)[1].split(" | ")[0]
        return by_question[[question for question, *_ in MMVET].index(asked_about)]

    return reply


@pytest.mark.parametrize(("put", "variant", "tail"), [(put_mmvet, "internvl", " "), (put_mmvet_tsv, "vlmevalkit-2024", "")])
def test_mmvet_asks_and_is_graded(put: Callable[[Path], None], variant: str, tail: str, tmp_path: Path) -> None:
    put(tmp_path)
    task = MMVet()
    samples = read(task, tmp_path, variant=variant)
    assert [text_of(sample) for sample in samples] == [f"\nWhat is it?{tail}", f"\nWhat and why?{tail}", f"\nAdd up.{tail}"]
    requests: list[str] = []

    def reply(ask: Ask) -> str:
        requests.append(ask.messages[-1].text)
        return grades("0.4", "0.8", " 1.0")(ask)

    rows = asked(task, samples, "an answer", judge_that(reply))
    assert requests[0] == mmvet_request("What is it?", "cat<AND>mat", "an answer")
    assert requests[0].endswith("\n\nWhat is it? | cat <AND> mat | an answer | ")
    table = task.aggregate(rows)
    assert table["overall"] == pytest.approx(2.2 / 3)
    assert table["rec"] == pytest.approx(1.6 / 3)  # the single ability counts twice
    assert table["know"] == pytest.approx(0.8)
    assert task.judge is not None
    assert (why_unofficial(task.judge, variant, rows) is None) == (variant != "internvl")  # graded by GPT-4-0613 there
    assert headline(task, samples, "x", judge_that("1")) == 100
    assert headline(task, samples, " ", judge_that("1")) == 0


def test_mmvet_submission_and_budget(tmp_path: Path) -> None:
    put_mmvet(tmp_path)
    task = MMVet()
    rows = asked(task, read(task, tmp_path), "so")
    assert task.submission(rows) == {"v1_0": "so", "v1_1": "so", "v1_2": "so"}
    assert (task.variants["internvl"].max_tiles, task.variants["internvl"].decoding.max_new_tokens) == (6, 1000)
    assert task.judge is not None
    assert (task.judge.max_tokens, task.judge.retries) == (3, 5)


@pytest.mark.parametrize("reply", ["1.1", "-0.1", "nan", "inf", "good", "", "0.5 of 1", "9" * 10_000])
def test_grades_that_are_no_grades_are_failures(reply: str, tmp_path: Path) -> None:
    put_mmvet_tsv(tmp_path)
    task = MMVet()
    for row in asked(task, read(task, tmp_path), "x", judge_that(reply)):
        assert row.score["score"] == 0
        assert "5 tries: a grade from 0.0 to 1.0 was expected" in row.score["error"]


def test_bad_files_of_mmvet(tmp_path: Path) -> None:
    put_mmvet(tmp_path)
    gold = tmp_path / "data/mm-vet/mm-vet.json"
    answers = json.loads(gold.read_text())
    gold.write_text(json.dumps({key: value for key, value in answers.items() if key != "v1_1"}))
    with pytest.raises(BenchmarkFileError, match=r"row 2: .*mm-vet\.json has no answer and abilities for 'v1_1'"):
        read(MMVet(), tmp_path)
    gold.write_text(json.dumps({**answers, "v1_2": {"answer": "12", "capability": ["luck"]}}))
    with pytest.raises(BenchmarkFileError, match=r"row 3: abilities are rec, ocr, .*not 'luck'"):
        read(MMVet(), tmp_path)
    gold.unlink()
    with pytest.raises(BenchmarkFileError, match=r"can't read .*mm-vet\.json"):
        read(MMVet(), tmp_path)


PROBLEMS: Sequence[dict[str, Any]] = (
    {"query": "Hint: letter.\nQuestion: Area?", "choices": ["5 cm", "6 cm"], "answer": "6 cm", "answer_option": "B"},
    {"query": "Question: How many?", "answer_type": "integer", "answer": "12"},
    {"query": "Question: Ratio?", "answer_type": "float", "precision": 2.0, "answer": "3.46"},
    {"query": "Question: Years?", "answer_type": "list", "answer": "[2007, 2008]"},
)


def problem(number: int) -> dict[str, Any]:
    given = {"answer_type": "text", "choices": None, "precision": None, **PROBLEMS[number]}
    given["question_type"] = "multi_choice" if given["choices"] else "free_form"
    skills = ["algebraic reasoning", "statistical reasoning"][: number + 1]
    return {**given, "metadata": {"task": "figure question answering", "skills": skills, "grade": "college", "language": "english"}}


def put_mathvista(root: Path) -> None:
    problems = {}
    for number in range(len(PROBLEMS)):
        put_picture(root, f"data/MathVista/images/{number + 1}.png")
        problems[str(number + 1)] = {**problem(number), "image": f"images/{number + 1}.png"}
        problems[str(number + 1)].pop("answer_option", None)
    put_text(root / "data/MathVista/annot_testmini.json", json.dumps(problems))


def put_mathvista_tsv(root: Path) -> None:
    rows = []
    for number in range(len(PROBLEMS)):
        row = problem(number)
        metadata = row.pop("metadata")
        cells = {"index": number + 1, "image": in_base64(str(number)), "question": row.pop("query"), "task": metadata["task"]}
        row = {name: "" if value is None else repr(value) if isinstance(value, list) else value for name, value in row.items()}
        rows.append({**cells, **row, "skills": repr(metadata["skills"])})
    put_tsv(root / "MathVista_MINI.tsv", rows)


def test_mathvista_by_the_original(tmp_path: Path) -> None:
    put_mathvista(tmp_path)
    task = MathVista()
    samples = read(task, tmp_path)
    assert text_of(samples[0]) == "\nHint: letter.\nQuestion: Area?"
    plain = dict(zip("1234", ["6 cm", "12", "3.4561", "[2007, 2008]"], strict=True))
    rows = asked(task, samples, lambda ask: plain[ask.id])
    assert [row.score["score"] for row in rows] == [1, 1, 1, 1]
    assert [UNDECIDED in row.score for row in rows] == [False, False, False, True]
    spoken = dict(zip("1234", ["It is (b)", "so 12.9", "about 3.4561 then", "2007 to 2008"], strict=True))
    extracted = dict(zip("1234", ["(B)", "12.9", "3.4561", " [2007, 2008]"], strict=True))
    requests: list[str] = []

    def reply(ask: Ask) -> str:
        requests.append(ask.messages[-1].text)
        return next(extracted[key] for key, text in spoken.items() if f"Model respone: {text}Extracted" in requests[-1])

    rows = asked(task, samples, lambda ask: spoken[ask.id], judge_that(reply, "gpt-4-0613"))
    assert [row.score["prediction"] for row in rows] == ["6 cm", "12", "3.46", "[2007, 2008]"]
    assert requests[0] == mathvista_request("Hint: letter.\nQuestion: Area?", "It is (b)")
    assert why_unofficial(task.judge, "internvl", rows) is None
    table = task.aggregate(rows)
    assert table["accuracy"] == 1
    assert table["skills"] == {"algebraic reasoning": 1.0, "statistical reasoning": 1.0}
    assert table["answer_type"] == {"text": 1.0, "integer": 1.0, "float": 1.0, "list": 1.0}
    assert headline(task, samples, "  ", judge_that("6 cm")) == 0
    unread = asked(task, samples, lambda ask: spoken[ask.id], judge_that(" "))
    assert all("5 tries: an extracted answer was expected, the reply is empty" in row.score["error"] for row in unread)


def test_mathvista_step_by_step_needs_no_judge(tmp_path: Path) -> None:
    put_mathvista(tmp_path)
    task = MathVista()
    samples = read(task, tmp_path, variant=COT)
    assert text_of(samples[1]) == (
        "\nYour task is to answer the question below. Give step by step reasoning before you answer, and when you're ready to answer, "
        'please use the format "Final answer: .."\n\nQuestion:\n\nQuestion: How many?'
    )
    spoken = dict(
        zip("1234", ["We get B. Final answer: (B)", "answer: 12", "Final answer: 3.459", "Answer: [2007, 2008]"], strict=True)
    )
    rows = asked(task, samples, lambda ask: spoken[ask.id])
    assert [row.score["score"] for row in rows] == [1, 1, 1, 1]
    assert why_unofficial(task.judge, COT, rows) is None
    assert headline(task, samples, "") == 0


def test_mathvista_by_vlmevalkit(tmp_path: Path) -> None:
    put_mathvista_tsv(tmp_path)
    task = MathVista()
    samples = read(task, tmp_path, variant="vlmevalkit-2024")
    plain = dict(zip("1234", ["(B)", "12", "3.46", "[2007, 2008]"], strict=True))

    def forbidden(ask: Ask) -> str:
        raise AssertionError(ask.messages[-1].text)

    rows = asked(task, samples, lambda ask: plain[ask.id], judge_that(forbidden))
    assert [row.score["score"] for row in rows] == [1, 1, 1, 0]  # a list is never right there
    wrong = asked(task, samples[:1], "A", judge_that(forbidden))  # a letter is a letter, right or not
    assert wrong[0].score["score"] == 0
    extracted = asked(task, samples[1:3], "I think so", judge_that("12"))
    assert [row.score["score"] for row in extracted] == [1, 0]
    assert why_unofficial(task.judge, "vlmevalkit-2024", extracted) is None
    # the same questions from the original's file are compared by the gold's place among the choices
    put_mathvista(tmp_path)
    (tmp_path / "MathVista_MINI.tsv").unlink()
    assert headline(task, read(task, tmp_path, variant="vlmevalkit-2024")[:3], lambda ask: plain[ask.id]) == 100


def test_mathvista_reads_the_hubs_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    rows = [
        {**problem(number), "pid": str(number + 1), "decoded_image": {"bytes": drawn(str(number)), "path": f"images/{number}.png"}}
        for number in range(len(PROBLEMS))
    ]
    (tmp_path / "MathVista").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "MathVista/testmini.parquet")
    samples = read(MathVista(), tmp_path)
    assert [sample.reference for sample in samples] == ["6 cm", "12", "3.46", "[2007, 2008]"]
    assert samples[2].extra["precision"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question_type": "essay"}, r"row 1: question_type is one of multi_choice, free_form"),
        ({"choices": None}, r"row 1: a multi_choice question needs its 'choices'"),
        ({"precision": "two"}, r"row 1: 'precision' is a number of digits, not 'two'"),
        ({"answer": ""}, r"row 1: 'answer' must be a text"),
        ({"image": "images/9.png"}, r"row 1: the picture 'images/9\.png' is absent"),
    ],
)
def test_bad_problems_of_mathvista(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    put_mathvista(tmp_path)
    path = tmp_path / "data/MathVista/annot_testmini.json"
    problems = json.loads(path.read_text())
    problems["1"] |= change
    path.write_text(json.dumps(problems))
    with pytest.raises(BenchmarkFileError, match=message):
        read(MathVista(), tmp_path)


@pytest.mark.parametrize("variant", ["internvl", COT, "vlmevalkit-2024"])
def test_answers_of_any_length_to_mathvista(variant: str, tmp_path: Path) -> None:
    put_mathvista(tmp_path)
    task = MathVista()
    answers = ("Final answer:" * 80_000, "1" * 1_000_000, "(" * 500_000, " \n" * 500_000, "\ud800\x00", "(B " * 300_000)
    for sample in read(task, tmp_path, variant=variant):
        assert all(0 <= float(task.score(sample, (answer,))["score"]) <= 1 for answer in answers)
