"""ConvBench: three turns through follow_up, four questions to the judge with the replies so far, wins of either side."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pytest
from asked_tasks import asked, headline, judge_that, read, text_of
from benchmark_files import put_picture, put_text

from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.generator import Ask
from internvl.eval.judge import prompt_hash, why_unofficial
from internvl.eval.judge_scripts import STEPS, read_step_texts
from internvl.eval.readers.xlsx import read_xlsx
from internvl.eval.tasks.convbench import ConvBench

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PLACES = {"first_turn": 14, "second_turn": 14, "third_turn": 15, "overall_conversation": 17}

COLUMNS = (
    *("image_id", "instruction-conditioned-caption", "The_first_turn_instruction", "The_second_turn_instruction"),
    *("The_third_turn_instruction", "first_turn_answer", "second_turn_answer", "third_turn_answer", "third_turn_demands"),
)


def put_workbook(path: Path, rows: Sequence[Sequence[str | int | None]], *, start: str = "") -> Path:
    """An Excel workbook: words as shared texts, numbers as they are, None as a cell that is not there."""
    texts = sorted({value for row in rows for value in row if isinstance(value, str)})
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = ""
        for place, value in enumerate(row):
            name = f"{chr(65 + place)}{number}"
            if isinstance(value, str):
                cells += f'<c r="{name}" t="s"><v>{texts.index(value)}</v></c>'
            elif value is not None:
                cells += f'<c r="{name}"><v>{value}</v></c>'
        lines.append(f'<row r="{number}">{cells}</row>')
    shared = "".join(
        f'<si><r><t>{escape(text[:3])}</t></r><r><t xml:space="preserve">{escape(text[3:])}</t></r></si>' for text in texts
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as workbook:
        workbook.writestr(
            "xl/worksheets/sheet1.xml", f'{start}<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'
        )
        workbook.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{shared}</sst>')
    return path


def put_convbench(root: Path, *, answers: bool = True, scripts: bool = True) -> None:
    rows: list[Sequence[str | int | None]] = [COLUMNS if answers else COLUMNS[:1] + COLUMNS[2:5]]
    for number in range(2):
        put_picture(root, f"ConvBench/visit_bench_images/{number}.png")
        turns = [f"{number}: What is seen?", "Why {so}?", "Write a poem."]
        full = [f"{number}.png", "A cat & a dog", *turns, "human one", "human two", "human three", "rhymes" if number else None]
        rows.append(full if answers else [full[0], *turns])
    put_workbook(root / "ConvBench/ConvBench.xlsx", rows)
    if scripts:
        put_scripts(root / "ConvBench/ConvBenchEval")


def put_scripts(folder: Path) -> None:
    """The benchmark's scripts in their form, with words of our own."""
    texts = [
        f"_PROMPT_{role}_PAIRWISE_V1_MT_{step} = '''{role} of {step}'''" for step in STEPS for role in ("SYSTEM", "USER", "ASSISTANT")
    ]
    put_text(folder / "prompts.py", "### Pairs\n" + "\n".join([*texts, "_ICL = [('a', 'b')]", "raise SystemExit('never run')"]))
    branches = ""
    for word, step in zip(("if", "elif", "elif", "elif"), STEPS, strict=True):
        branches += f"    {word} turn_str == '_{step}':\n        system_p, user_p = 1, 2\n"
        branches += f"        user_content = ({'|'.join(['{}'] * PLACES[step])!r}.format(image_description))\n"
    put_text(folder / "convbencheval.py", f"def generate_request(turn_str):\n{branches}    return user_content\n")
    np.save(folder / "pairwise.npy", np.array([0, 1]))


def says(ask: Ask) -> str:
    return f"{ask.id} turn {ask.turn}"


def prefers(side: str) -> str:
    return f"Step by step. Overall, Response {side} is better."


def test_three_turns(tmp_path: Path) -> None:
    put_convbench(tmp_path)
    seen: list[Ask] = []

    def reply(ask: Ask) -> str:
        seen.append(ask)
        return says(ask)

    task = ConvBench()
    samples = read(task, tmp_path)
    assert text_of(samples[0]) == "\n0: What is seen?"
    rows = asked(task, samples, reply)
    assert rows[1].answers == ("2 turn 0", "2 turn 1", "2 turn 2")
    last = [ask for ask in seen if ask.id == "2"][-1]
    assert [(message.role, message.text) for message in last.messages] == [
        ("user", "\n1: What is seen?"),
        ("assistant", "2 turn 0"),
        ("user", "Why {so}?"),
        ("assistant", "2 turn 1"),
        ("user", "Write a poem."),
    ]
    assert why_unofficial(task.judge, "vlmevalkit-2024", rows) is not None


def test_the_judge_is_asked_four_times_with_the_replies_so_far(tmp_path: Path) -> None:
    put_convbench(tmp_path)
    task = ConvBench()
    requests: list[Ask] = []

    def reply(ask: Ask) -> str:
        requests.append(ask)
        return f"{len(requests)}. {prefers('A')}"

    rows = asked(task, read(task, tmp_path), says, judge_that(reply, "gpt-3.5-turbo"))
    assert [message.text for message in requests[0].messages[:3]] == [
        "SYSTEM of first_turn",
        "USER of first_turn",
        "ASSISTANT of first_turn",
    ]
    assert [message.role for message in requests[0].messages] == ["system", "user", "assistant", "user"]
    model = ["0: What is seen?", "1 turn 0", "Why {so}?", "1 turn 1", "Write a poem.", "1 turn 2"]
    human = ["0: What is seen?", "human one", "Why {so}?", "human two", "Write a poem.", "human three"]
    asked_for = [request.messages[3].text.split("|") for request in requests]
    assert asked_for[0] == ["A cat & a dog", *model, *human, "first turn"]
    assert asked_for[2] == ["A cat & a dog", *model, *human, "nan", "third turn"]
    replies = [f"{number}. {prefers('A')}" for number in (1, 2, 3)]
    assert asked_for[3] == ["A cat & a dog", *model, *human, *replies, "overall conversation"]
    # in the second conversation the human is assistant A
    assert asked_for[4][1:13] == [text.replace("0:", "1:") for text in human] + [
        text.replace("0:", "1:").replace("1 turn", "2 turn") for text in model
    ]
    assert asked_for[6][13] == "rhymes"
    assert [row.score["wins"] for row in rows] == [[1, 1, 1, 1], [0, 0, 0, 0]]
    assert rows[0].score["judge_prompt"] == prompt_hash(*(request.messages for request in requests[:4]))
    assert rows[0].score["judge_replies"][3] == f"4. {prefers('A')}"
    assert task.aggregate(rows) == {"R1": 0.5, "R2": 0.5, "S1": 0.5, "S2": 0.5, "S3": 0.5, "SO": 0.5}
    assert why_unofficial(task.judge, "vlmevalkit-2024", rows) is None


def test_best_worst_and_in_between(tmp_path: Path) -> None:
    put_convbench(tmp_path)
    task = ConvBench()
    samples = read(task, tmp_path)

    def fair(ask: Ask) -> str:
        return prefers("A" if ask.messages[3].text.split("|")[2].endswith("turn 0") else "B")

    assert headline(task, samples, says, judge_that(fair)) == 100
    assert headline(task, samples, "", judge_that(fair)) == 0
    half_silent = asked(task, samples, lambda ask: "" if ask.turn else says(ask), judge_that(fair))
    assert [row.score["wins"] for row in half_silent] == [[1, 0, 0, 1]] * 2
    table = task.aggregate(half_silent)
    assert table["R2"] == pytest.approx(1 / 3)
    assert table["R1"] == pytest.approx((1 / 3 + 1) / 2)


@pytest.mark.parametrize("reply", ["Both are fine.", f"{prefers('A')} {prefers('B')}", ""])
def test_a_judge_that_does_not_decide(reply: str, tmp_path: Path) -> None:
    put_convbench(tmp_path)
    task = ConvBench()
    rows = asked(task, read(task, tmp_path), says, judge_that(reply))
    assert all(row.score["score"] == 0 and "5 tries" in row.score["error"] for row in rows)
    assert rows[0].score["judge_replies"] == [reply] * 5
    assert task.aggregate(rows)["R1"] == 0


def test_without_the_scripts_or_the_human_no_judge_can_be_asked(tmp_path: Path) -> None:
    put_convbench(tmp_path / "a", scripts=False)
    task = ConvBench()
    samples = read(task, tmp_path / "a")
    assert len(asked(task, samples, says)) == 2
    with pytest.raises(EvalError, match="ConvBench/ConvBenchEval below the data root, which is absent"):
        asked(task, samples, says, judge_that(prefers("A")))
    put_convbench(tmp_path / "b", answers=False)
    samples = read(task, tmp_path / "b")
    assert samples[0].reference is None
    assert task.aggregate(asked(task, samples, says)) == {"R1": None, "unlabelled": 2}
    with pytest.raises(EvalError, match="no column first_turn_answer"):
        asked(task, samples, says, judge_that(prefers("A")))


def test_scripts_that_are_not_the_benchmarks(tmp_path: Path) -> None:
    put_scripts(tmp_path)
    texts = (tmp_path / "prompts.py").read_text()
    put_text(tmp_path / "prompts.py", texts.replace("_PROMPT_USER_PAIRWISE_V1_MT_third_turn", "_OTHER"))
    with pytest.raises(BenchmarkFileError, match="lack _PROMPT_USER_PAIRWISE_V1_MT_third_turn"):
        read_step_texts(tmp_path)
    put_text(tmp_path / "prompts.py", texts)
    put_text(tmp_path / "convbencheval.py", "def generate_request(turn_str):\n    pass\n")
    with pytest.raises(BenchmarkFileError, match="turn_str '_first_turn'"):
        read_step_texts(tmp_path)
    put_text(tmp_path / "convbencheval.py", "def (")
    with pytest.raises(BenchmarkFileError, match="is no Python script"):
        read_step_texts(tmp_path)
    put_scripts(tmp_path)
    with pytest.raises(BenchmarkFileError, match="has 14 places, 2 texts"):
        read_step_texts(tmp_path)["first_turn"].request(["a", "b"])


def test_places_of_the_human(tmp_path: Path) -> None:
    put_convbench(tmp_path)
    places = tmp_path / "ConvBench/ConvBenchEval/pairwise.npy"
    assert [sample.extra["human_first"] for sample in read(ConvBench(), tmp_path)] == [False, True]
    for wrong, message in ((np.array([0]), "has 1 places, conversation 2"), (np.array([0, 7]), "a list of 0 and 1")):
        np.save(places, wrong)
        with pytest.raises(BenchmarkFileError, match=message):
            read(ConvBench(), tmp_path)
    np.save(places, np.array([{}, 1], dtype=object))
    with pytest.raises(BenchmarkFileError, match="can't be read as a numpy array"):
        read(ConvBench(), tmp_path)
    places.unlink()
    drawn = [sample.extra["human_first"] for sample in read(ConvBench(), tmp_path)]
    assert drawn == [sample.extra["human_first"] for sample in read(ConvBench(), tmp_path)]


def test_workbooks(tmp_path: Path) -> None:
    path = put_workbook(tmp_path / "a.xlsx", [["name", "count"], [" x <y> ", 3], [None, None], ["é\n2", None]])
    assert list(read_xlsx(path, ("name", "count"))) == [(1, {"name": " x <y> ", "count": "3"}), (2, {"name": "é\n2", "count": ""})]
    with pytest.raises(BenchmarkFileError, match=r"a\.xlsx: the columns size are missing; the header has name, count"):
        list(read_xlsx(path, ("size",)))
    with pytest.raises(BenchmarkFileError, match="has a header but no rows"):
        list(read_xlsx(put_workbook(tmp_path / "b.xlsx", [["name"]])))
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>'
    for start in (bomb, f"<!--{' ' * 5000}--><!DOCTYPE x []>", "\0"):
        with pytest.raises(BenchmarkFileError, match="declares a document type or is not UTF-8"):
            list(read_xlsx(put_workbook(tmp_path / "c.xlsx", [["name"], ["x"]], start=start)))
    with pytest.raises(BenchmarkFileError, match="can't be read as an Excel workbook"):
        list(read_xlsx(put_text(tmp_path / "d.xlsx", "name\tcount")))
    with pytest.raises(BenchmarkFileError, match="is damaged"):
        list(read_xlsx(put_workbook(tmp_path / "e.xlsx", [["name"]], start="<")))
