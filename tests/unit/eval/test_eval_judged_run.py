"""Runs with a judge: what is official, what is not, replies that can't be read, and judging answers that are there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from eval_toy import Sums, lines_of, write_sums

from internvl.eval.errors import EvalError
from internvl.eval.generator import Ask
from internvl.eval.generators.fake import FakeGenerator
from internvl.eval.generators.replay import ReplayGenerator
from internvl.eval.judge import UNDECIDED, Judge, JudgeSpec
from internvl.eval.results import Result
from internvl.eval.runner import run_task
from internvl.eval.sample import Sample


class Judged(Sums):
    """Right answers are right by rule; a judge reads the others."""

    name = "judged"
    judge: ClassVar[JudgeSpec | None] = JudgeSpec(model="grader-1", prompt_name="", max_tokens=4, retries=3)

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        found = dict(super().score(sample, answers))
        return found if found["score"] or not answers[0] else {**found, UNDECIDED: True}

    def judge_request(self, sample: Sample, answers: Sequence[str]) -> str:
        return f"Is {answers[0]!r} {sample.reference}?"

    def judged(self, sample: Sample, answers: Sequence[str], reply: str) -> Mapping[str, Any]:
        if reply not in ("yes", "no"):
            raise EvalError(f"yes or no was expected, not {reply!r}")
        return {**super().score(sample, answers), "score": float(reply == "yes")}


class Threads(FakeGenerator):
    """A judge that several threads may ask."""

    in_flight = 4


def says(ask: Ask) -> str:
    left, right = (int(word) for word in ask.messages[0].text.split(" + "))
    return str(left + right) if left % 2 else f"about {left + right}"


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Result]:
    root = write_sums(tmp_path / "data", 12)

    def run(judge: str | None, reply: Any = "yes", *, kind: type[FakeGenerator] = FakeGenerator, generator: Any = None) -> Result:
        chosen = None if judge is None else Judge(kind(reply, name=judge))
        return run_task(Judged(), generator or FakeGenerator(says), root=root, out=tmp_path / f"out-{judge}", judge=chosen)

    return run


@pytest.mark.parametrize("kind", [FakeGenerator, Threads])
def test_the_protocols_judge_gives_a_headline(judged: Callable[..., Result], kind: type[FakeGenerator]) -> None:
    asked: list[str] = []

    def reply(ask: Ask) -> str:
        question = ask.messages[-1].text
        asked.append(question)
        return "no" if "'about 0'" in question else "yes"

    result = judged("grader-1", reply, kind=kind)
    assert result.recipe["judge"]["model"] == "grader-1"
    assert len(asked) == 6, "what a rule decides no judge is asked"
    assert result.headline == pytest.approx(100 * 11 / 12)
    rows = lines_of(result)
    assert [row["row"] for row in rows] == list(range(1, 13))
    assert rows[0]["score"]["judge"] == "grader-1"
    assert rows[2]["score"]["judge_replies"] == ["yes"]
    assert "judge" not in rows[1]["score"]


def test_another_judge_or_none_gives_no_headline(judged: Callable[..., Result]) -> None:
    other = judged("somebody")
    assert (other.headline, other.scores) == (None, {})
    assert other.unofficial["accuracy"] == 1.0
    assert any("judged by somebody; the protocol's judge is grader-1" in each for each in other.notes)
    none = judged(None)
    assert (none.headline, none.unofficial["accuracy"]) == (None, 0.5)
    assert any("6 of 12 answers need a judge" in each for each in none.notes)


def test_unreadable_replies_are_failures_and_wrong(judged: Callable[..., Result]) -> None:
    result = judged("grader-1", "perhaps")
    assert result.failed == 6
    assert result.headline == 50.0
    assert "perhaps" in lines_of(result)[0]["score"]["error"]


def test_answers_on_file_are_judged_later(judged: Callable[..., Result]) -> None:
    first = judged(None)
    assert first.folder is not None
    later = judged("grader-1", generator=ReplayGenerator(first.folder))
    assert later.headline == 100.0
    assert later.model == "fake"
