"""`internvl generate`: answers, failures, and going on after a kill."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cli_runs import FIXTURES, Run

from internvl.cli.transcript import from_json, to_json
from internvl.errors import InternVLError, PlaceholderCountError, PromptError
from internvl.messages import Image, Message, Video

SHORT = ("--set", "max_new_tokens=24", "--max-tiles", "6")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a picture, so that relative paths have something to find."""
    (tmp_path / "image0.png").write_bytes((FIXTURES / "image0.png").read_bytes())
    return tmp_path


def write(path: Path, records: Sequence[dict[str, Any] | str]) -> Path:
    lines = (record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records)
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return path


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_batch_is_the_originals(run: Run, model: Path, golden: dict[str, Any], folder: Path) -> None:
    case = golden["batch"]
    records: list[dict[str, Any]] = [
        {"id": 1, "question": case["question"][0], "images": ["image0.png"]},
        {"id": "zwei", "question": case["question"][1], "images": [str(FIXTURES / "image2.png")], "answer": "kept apart"},
    ]
    source, target = write(folder / "in.jsonl", records), folder / "out.jsonl"
    result = run("generate", source, target, "--model", model, *SHORT)
    assert result.exit_code == 0, result.output
    assert [line["answer"] for line in lines_of(target)] == case["response"]
    assert [line["id"] for line in lines_of(target)] == [1, "zwei"]
    assert lines_of(target)[0]["finish_reason"] == "length"
    assert lines_of(target)[0]["usage"]["answer_tokens"] == 24
    assert "2 answered, 0 failed" in result.stderr
    assert result.stdout == ""


def test_bad_records_become_error_lines(run: Run, model: Path, folder: Path) -> None:
    (folder / "broken.png").write_bytes((folder / "image0.png").read_bytes()[:60])
    records: list[dict[str, Any]] = [
        {"id": 1, "question": "x"},
        {"id": 2, "question": "x", "images": ["nope.png"]},
        {"id": 3, "question": "x", "images": ["broken.png"]},
        {"id": 4},
        {"id": 5, "question": "<image>"},
        {"id": 6, "question": 7},
        {"id": 7, "question": "word " * 9000},
        {"id": 8, "question": "y"},
    ]
    source, target = write(folder / "in.jsonl", records), folder / "out.jsonl"
    result = run("generate", source, target, "--model", model, "--set", "max_new_tokens=2", "--batch", 3)
    assert result.exit_code == 1
    assert [line["id"] for line in lines_of(target)] == list(range(1, 9))
    assert [line["id"] for line in lines_of(target) if "answer" in line] == [1, 8]
    errors = {line["id"]: line["error"] for line in lines_of(target) if "error" in line}
    assert "nope.png" in errors[2]
    assert "damaged" in errors[3]
    assert "either a question or messages" in errors[4]
    assert "1 <image> marks, but 0 images" in errors[5]
    assert "8192 positions" in errors[7]
    assert "2 answered, 6 failed" in result.stderr


def test_a_killed_run_goes_on(run: Run, model: Path, folder: Path) -> None:
    source = write(folder / "in.jsonl", [{"id": i, "question": f"question {i}"} for i in range(5)])
    whole, target = folder / "whole.jsonl", folder / "out.jsonl"
    words = ("--model", model, "--set", "max_new_tokens=4", "--batch", 1)
    assert run("generate", source, whole, *words).exit_code == 0
    kept = whole.read_bytes().splitlines(keepends=True)
    target.write_bytes(kept[0] + kept[1] + kept[2][:25])
    result = run("generate", source, target, *words)
    assert result.exit_code == 0
    assert "its last line was cut" in result.stderr
    assert "3 answered, 0 failed, 2 done before" in result.stderr
    assert [line["answer"] for line in lines_of(target)] == [line["answer"] for line in lines_of(whole)]
    assert target.read_bytes().startswith(kept[0] + kept[1])


def test_a_torn_line_is_cut_even_when_nothing_is_left_to_ask(run: Run, folder: Path) -> None:
    source = write(folder / "in.jsonl", [{"id": 1, "question": "x"}])
    target = write(folder / "out.jsonl", [{"id": 1, "answer": "a"}])
    whole = target.read_bytes()
    target.write_bytes(whole + b'{"id"')
    assert run("generate", source, target, "--model", folder / "no-such-model").exit_code == 0
    assert target.read_bytes() == whole


def test_a_finished_run_loads_no_model(run: Run, folder: Path) -> None:
    source = write(folder / "in.jsonl", [{"id": 1, "question": "x"}, {"id": 2, "question": "x"}])
    target = write(folder / "out.jsonl", [{"id": 1, "answer": "a"}, {"id": 2, "error": "no"}])
    before = target.read_bytes()
    result = run("generate", source, target, "--model", folder / "no-such-model")
    assert result.exit_code == 1, "a record failed, if not in this run"
    assert "0 answered, 0 failed, 2 done before (1 of them failed)" in result.stderr
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([{"id": 1}, {"id": 1}], "in.jsonl:2: the id 1 stands on line 1 too"),
        ([{"id": 1}, "", "{broken"], "in.jsonl:3: not a JSON object"),
        ([{"question": "x"}], "in.jsonl:1: the id must be a string or a whole number, not None"),
        ([{"id": True}], "not True"),
        (["[1]"], "in.jsonl:1: not a JSON object"),
    ],
)
def test_a_broken_input_is_refused_before_anything_runs(run: Run, folder: Path, lines: list[Any], told: str) -> None:
    result = run("generate", write(folder / "in.jsonl", lines), folder / "out.jsonl", "--model", folder / "none")
    assert result.exit_code == 1
    assert told in result.stderr
    assert not (folder / "out.jsonl").exists()


@pytest.mark.parametrize("content", ["dear diary\n", "dear diary", '{"id": 9, "answer": "of another file"}\n', '{"id": 1}\nx\n'])
def test_somebody_elses_file_is_not_touched(run: Run, folder: Path, content: str) -> None:
    source, target = write(folder / "in.jsonl", [{"id": 1, "question": "x"}]), folder / "out.jsonl"
    target.write_text(content)
    result = run("generate", source, target, "--model", folder / "none")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {target}")
    assert target.read_text() == content


def test_the_input_is_not_its_own_output(run: Run, folder: Path) -> None:
    source = write(folder / "in.jsonl", [{"id": 1, "question": "x"}])
    assert run("generate", source, source).exit_code == 2
    assert run("generate", source, folder / "no" / "out.jsonl").exit_code == 2


def test_root_replaces_the_folder_of_the_input(run: Run, model: Path, folder: Path) -> None:
    (folder / "lists").mkdir()
    source = write(folder / "lists" / "in.jsonl", [{"id": 1, "question": "x", "images": ["image0.png"]}])
    words = ("--model", model, "--set", "max_new_tokens=1")
    assert run("generate", source, folder / "a.jsonl", *words).exit_code == 1
    assert run("generate", source, folder / "b.jsonl", *words, "--root", folder).exit_code == 0


def opened(kind: str, path: str) -> Image | Video:
    return Image(path) if kind == "image" else Video(path)


def test_history_goes_out_and_comes_back() -> None:
    messages = [Message("user", (Image("a.png"), "\n", "What?")), Message("assistant", ("That.",))]
    assert from_json(to_json(messages), [], opened) == messages


def test_media_go_to_their_marks_or_to_the_first_user_turn() -> None:
    turns = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "the <image> mark of an answer is text"},
        {"role": "user", "content": "two"},
    ]
    a, b = Image("a"), Image("b")
    assert [len(message.media) for message in from_json(turns, [a, b], opened)] == [0, 2, 0, 0]
    marked = [*turns[:3], {"role": "user", "content": "<image> or <image>"}]
    assert from_json(marked, [a, b], opened)[3].media == (a, b)
    with pytest.raises(PlaceholderCountError) as caught:
        from_json(marked, [a], opened)
    assert (caught.value.expected, caught.value.given) == (2, 1)


@pytest.mark.parametrize(
    "turns",
    [
        "text",
        [7],
        [{"role": "user"}],
        [{"role": "robot", "content": "x"}],
        [{"role": "user", "content": [{"type": "sound", "path": "x"}]}],
        [{"role": "user", "content": [{"type": "image"}]}],
        [{"role": "assistant", "content": [{"type": "image", "path": "x"}]}],
    ],
)
def test_malformed_messages_are_typed_errors(turns: Any) -> None:
    with pytest.raises(InternVLError):
        from_json(turns, [], opened)


def test_media_need_a_turn_to_belong_to() -> None:
    with pytest.raises(PromptError, match="need a user message"):
        from_json([{"role": "user", "content": [{"type": "text", "text": "x"}]}], [Image("a")], opened)
