"""Training labels against the original's: equal where it keeps a sample, whole where it loses one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from original import FIXTURES

from internvl.prompt.labels import IGNORED, encode_conversation
from internvl.prompt.templates import template_named
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer

GOLDEN: dict[str, Any] = json.loads((FIXTURES / "training_labels.json").read_text("utf-8"))
CASES = [(entry, number) for entry, golden in GOLDEN.items() for number in range(len(golden["cases"]))]
KEPT = [(entry, number) for entry, number in CASES if not GOLDEN[entry]["cases"][number]["all_masked"]]
LOST = [(entry, number) for entry, number in CASES if GOLDEN[entry]["cases"][number]["all_masked"]]


def encoded(entry: str, number: int) -> tuple[Tokenizer, dict[str, Any], list[int], list[int]]:
    tokenizer = load_tokenizer(FIXTURES / entry.partition(":")[0])
    case = GOLDEN[entry]["cases"][number]
    ids, labels = encode_conversation(tokenizer, GOLDEN[entry]["template"], case["conversations"], case["image_tokens"])
    return tokenizer, case, ids, labels


def runs(labels: list[int]) -> list[list[int]]:
    """The stretches of labels that are learnt."""
    found: list[list[int]] = [[]]
    for label in labels:
        if label == IGNORED:
            found.append([])
        else:
            found[-1].append(label)
    return [run for run in found if run]


def test_the_fixture_has_both_kinds() -> None:
    assert len(GOLDEN) == 5
    assert (len(KEPT), len(LOST)) == (10, 5)


@pytest.mark.parametrize(("entry", "number"), CASES)
def test_ids_are_the_originals(entry: str, number: int) -> None:
    _, case, ids, _ = encoded(entry, number)
    assert ids == case["input_ids"]


@pytest.mark.parametrize(("entry", "number"), KEPT)
def test_labels_are_the_originals(entry: str, number: int) -> None:
    _, case, _, labels = encoded(entry, number)
    assert labels == case["labels"]


@pytest.mark.parametrize(("entry", "number"), CASES)
def test_loss_is_on_the_answers_and_their_end_tokens(entry: str, number: int) -> None:
    tokenizer, case, ids, labels = encoded(entry, number)
    end = tokenizer.token_id(template_named(GOLDEN[entry]["template"]).stop)
    answers = [turn["value"] for turn in case["conversations"] if turn["from"] == "gpt"]
    learnt = runs(labels)
    assert [run[-1] for run in learnt] == [end] * len(answers)
    assert [tokenizer.decode(run[:-1]).strip() for run in learnt] == answers
    assert all(label in (IGNORED, id) for id, label in zip(ids, labels, strict=True))
