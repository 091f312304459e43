"""A judge's unreadable reply is asked for again and then kept as a failure; only the protocol's own judge gives a headline."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asked_tasks import asked, judge_that

from internvl.eval.errors import EvalError, GeneratorError
from internvl.eval.generator import Ask
from internvl.eval.judge import UNDECIDED, JudgeSpec, prompt_hash, why_unofficial
from internvl.eval.judge_prompts import judge_text, mathvista_request, mmbench_video_request, mmvet_request
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Decoding, Protocol, Task
from internvl.messages import Message, system, user

SPEC = JudgeSpec(model="gpt-4-turbo", prompt_name="mmvet", max_tokens=3, retries=4, models={"internvl": "gpt-4-0613"})


class Graded(Task):
    """Essays; "yes" and silence need no judge."""

    name = "graded"
    title = "Graded"
    splits = ("test",)
    files: Mapping[str, tuple[str, ...]] = {"test": ()}
    variants: Mapping[str, Protocol] = {"vlmevalkit": Protocol(max_tiles=1, decoding=Decoding(max_new_tokens=5))}
    metric = "grade"
    judge = SPEC

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        yield Sample(id="one", messages=(user("Write."),))

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        plain = answers[0] in ("", "yes")
        return {"score": float(answers[0] == "yes"), "prediction": answers[0], **({} if plain else {UNDECIDED: True})}

    def judge_request(self, sample: Sample, answers: Sequence[str]) -> str:
        return f"Grade {answers[0]}"

    def judged(self, sample: Sample, answers: Sequence[str], reply: str) -> Mapping[str, Any]:
        if reply not in ("0", "1"):
            raise EvalError(f"0 or 1 was expected, not {reply!r}")
        return {"score": float(reply), "prediction": answers[0]}


SAMPLES = list(Graded().samples(Path(), "test", "vlmevalkit"))


def one(answer: str, judge: Any = None) -> Mapping[str, Any]:
    return asked(Graded(), SAMPLES, answer, judge)[0].score


def test_a_reply_is_asked_for_again_and_warmer_until_it_can_be_read() -> None:
    seen: list[Ask] = []

    def reply(ask: Ask) -> str:
        seen.append(ask)
        return "well..." if len(seen) < 3 else "1"

    score = one("essay", judge_that(reply))
    assert score["score"] == 1.0
    assert score["judge"] == "gpt-4-turbo"
    assert score["judge_replies"] == ["1"]
    assert UNDECIDED not in score
    assert "error" not in score
    assert [ask.protocol.decoding.temperature for ask in seen] == [0.0, 0.5, 1.0]
    assert {ask.protocol.decoding.max_new_tokens for ask in seen} == {3}
    assert {ask.messages for ask in seen} == {(user("Grade essay"),)}
    assert score["judge_prompt"] == prompt_hash("Grade essay") != prompt_hash("Grade essays")


def test_a_judge_that_never_gets_readable_leaves_a_failure_and_no_silent_score() -> None:
    score = one("essay", judge_that("well..."))
    assert score["score"] == 0.0
    assert score["error"] == "the judge gave no readable reply in 4 tries: 0 or 1 was expected, not 'well...'"
    assert score["judge_replies"] == ["well..."] * 4
    assert UNDECIDED not in score


def test_a_service_that_gives_up_counts_as_a_try() -> None:
    calls: list[int] = []

    def reply(ask: Ask) -> str:
        calls.append(1)
        if len(calls) == 1:
            raise GeneratorError("HTTP 500")
        return "0"

    assert one("essay", judge_that(reply))["judge_replies"] == ["0"]

    def down(ask: Ask) -> str:
        raise GeneratorError("HTTP 500")

    assert one("essay", judge_that(down))["error"].endswith("in 4 tries: HTTP 500")


def test_what_a_rule_decides_is_not_judged() -> None:
    def reply(ask: Ask) -> str:
        raise AssertionError("asked")

    judge = judge_that(reply)
    assert one("yes", judge) == {"score": 1.0, "prediction": "yes"}
    assert one("", judge)["score"] == 0.0
    assert one("essay") == {"score": 0.0, "prediction": "essay", UNDECIDED: True}


@pytest.mark.parametrize(
    ("judge", "variant", "reason"),
    [
        ("gpt-4-turbo", "vlmevalkit", None),
        ("gpt-4-1106-preview", "vlmevalkit", None),  # what VLMEvalKit means by it
        ("gpt-4-0613", "internvl", None),
        ("gpt-4-turbo", "internvl", "judged by gpt-4-turbo; the protocol's judge is gpt-4-0613"),
        ("our-own", "vlmevalkit", "judged by our-own; the protocol's judge is gpt-4-turbo"),
    ],
)
def test_only_the_protocols_judge_is_official(judge: str, variant: str, reason: str | None) -> None:
    rows = asked(Graded(), SAMPLES, "essay", judge_that("1", judge))
    assert why_unofficial(SPEC, variant, rows) == reason


def test_answers_that_nobody_judged_are_unofficial_and_those_of_rules_are_not() -> None:
    rows = asked(Graded(), SAMPLES, "essay")
    assert why_unofficial(SPEC, "vlmevalkit", rows) == (
        "1 of 1 answers need a judge and were given to none; the protocol's judge is gpt-4-turbo"
    )
    decided = asked(Graded(), SAMPLES, "yes")
    assert why_unofficial(SPEC, "vlmevalkit", decided) is None
    mixed = [*asked(Graded(), SAMPLES, "essay", judge_that("1")), *asked(Graded(), SAMPLES, "essay", judge_that("1", "other"))]
    assert "judged by other" in str(why_unofficial(SPEC, "vlmevalkit", mixed))


def test_the_judge_is_recorded_with_its_prompt() -> None:
    described = judge_that("1").describe(SPEC)
    assert described["model"] == "gpt-4-turbo"
    assert described["prompt"] == "mmvet"
    assert described["prompt_sha256"] == prompt_hash(judge_text("mmvet"), "")
    assert described["max_tokens"] == 3
    other = judge_that("1").describe(replace(SPEC, system_name="mmbench_video"))
    assert other["prompt_sha256"] != described["prompt_sha256"]


def test_a_system_text_stands_in_front() -> None:
    seen: list[tuple[Message, ...]] = []

    def reply(ask: Ask) -> str:
        seen.append(ask.messages)
        return "3"

    judge_that(reply).ask("Question", replace(SPEC, system_name="mmbench_video"))
    assert seen == [(system(f"\n{judge_text('mmbench_video')}\n"), user("Question"))]


def test_hashes_tell_who_said_what() -> None:
    assert prompt_hash((user("a"), user("b"))) == prompt_hash((user("a"), user("b")))
    assert len({prompt_hash((user("a"), user("b"))), prompt_hash((user("ab"),)), prompt_hash((system("a"), user("b")))}) == 3
    assert prompt_hash("lone \ud800 surrogate")


def row(**score: Any) -> Scored:
    return Scored(id="x", row=1, answers=("",), reference=None, extra={}, score={"score": 0.0, **score})


def test_an_unknown_task_without_a_judge_has_no_official_judge() -> None:
    assert why_unofficial(None, "internvl", [row(judge="any")]) == "judged by any; the protocol's judge is none"
    assert why_unofficial(None, "internvl", [row()]) is None


@pytest.mark.parametrize(
    ("text", "length", "digest"),
    [
        (mmvet_request("Q?", "-1<AND>-5", "x = 3"), 2319, "4919d4e3e5607246"),
        (mathvista_request("Q?", "It is 3."), 1753, "0e45b1faeba5b09c"),
        (mmbench_video_request("Q?", "A", "B"), 70, "0bee59ce0f495425"),
    ],
)
def test_prompts_are_what_was_published(text: str, length: int, digest: str) -> None:
    """The hashes are those of the texts that VLMEvalKit's functions give for the same values."""
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest
    assert len(text) == length
