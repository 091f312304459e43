"""`internvl chat` for one question: the original's answers, streams kept apart, JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Run

SHORT = ("--set", "max_new_tokens=24")


def question_of(case: dict[str, Any]) -> str:
    return str(case["question"]).removeprefix("<image>\n")


def test_the_answer_is_the_originals(run: Run, model: Path, pictures: list[Path], golden: dict[str, Any]) -> None:
    case = golden["image"]
    result = run("chat", pictures[0], "-q", question_of(case), "--model", model, *SHORT)
    assert result.exit_code == 0
    assert result.stdout == case["response"] + "\n"
    assert "read 165 tokens (36 visual in 9 tiles), wrote 24 at " in result.stderr


def test_marks_place_several_pictures(run: Run, model: Path, pictures: list[Path], golden: dict[str, Any]) -> None:
    case = golden["multi-image"]
    result = run("chat", pictures[0], pictures[2], "-q", case["question"], "-m", model, "--max-tiles", 6, *SHORT, "--quiet")
    assert result.stdout == case["response"] + "\n"
    assert result.stderr == ""


def test_json_is_one_object_and_nothing_else(run: Run, model: Path, pictures: list[Path], golden: dict[str, Any]) -> None:
    case = golden["image"]
    result = run("chat", pictures[0], "--model", model, *SHORT, "--json", stdin=question_of(case) + "\n")
    answer = json.loads(result.stdout)
    assert result.stderr == ""
    assert answer["answer"] == case["response"]
    assert answer["finish_reason"] == "length"
    assert answer["usage"] == {
        "prompt_tokens": 165, "visual_tokens": 36, "tiles": 9, "cached_tokens": 0, "answer_tokens": 24,
    }  # fmt: skip
    assert answer["tiles"]["max_tiles"] == 12
    assert answer["model"] == str(model)
    assert answer["timings"]["load_s"] > 0
    assert answer["timings"]["first_token_s"] > 0


def test_tile_settings_reach_the_model(run: Run, model: Path, pictures: list[Path]) -> None:
    words = ("chat", pictures[0], "-q", "x", "--model", model, "--set", "max_new_tokens=1", "--json")
    assert json.loads(run(*words, "--max-tiles", 2).stdout)["usage"]["tiles"] == 3
    assert json.loads(run(*words, "--max-tiles", 2, "--set", "thumbnail=false").stdout)["usage"]["tiles"] == 2


def test_the_system_message_is_part_of_the_prompt(run: Run, model: Path) -> None:
    words = ("chat", "-q", "x", "--model", model, "--set", "max_new_tokens=1", "--json")
    plain, told = (json.loads(run(*words, *more).stdout)["usage"]["prompt_tokens"] for more in ((), ("--system", "Hi.")))
    assert told < plain, "the template's own message is longer"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("-q", "  "), 2, "there is no question"),
        ((), 2, "there is no question"),
        (("-q", "x", "--set", "top_p=3"), 1, "top_p must lie in"),
        (("-q", "x", "--max-tiles", "41"), 1, "max_tiles is at most 40"),
        (("-q", "x", "--device", "cuda:7"), 1, "CUDA devices"),
        (("-q", "x", "--dtype", "int3"), 1, "dtype must be one of"),
        (("-q", "<image> what?"), 1, "1 <image> marks, but 0 images"),
    ],
)
def test_mistakes_are_one_sentence(run: Run, model: Path, words: tuple[str, ...], code: int, told: str) -> None:
    result = run("chat", *words, "--model", model)
    assert result.exit_code == code
    assert told in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
