"""Documents: answers equal what stands on the page, boxes hold ink, absent things are refused, the same seed gives the same page."""

from __future__ import annotations

import json
import random
import re

import numpy as np
import pytest
from recipes.nano.data.families.documents import Documents
from recipes.nano.data.families.phrases_documents import BLANK, NONE, PHRASES, REFUSALS
from recipes.nano.data.sample import MissingMaterial
from recipes.nano.data.themes import names_of

SEEDS = range(10)


@pytest.fixture(scope="module")
def samples():
    pytest.importorskip("playwright")
    try:
        return [Documents().sample(random.Random(seed), "train") for seed in SEEDS]
    except MissingMaterial as error:
        pytest.skip(str(error))


def boxes(text: str) -> list[list[int]]:
    return [[int(side) for side in found.groups()] for found in re.finditer(r"\[(\d+), (\d+), (\d+), (\d+)\]", text)]


def test_boxes_hold_ink(samples):
    found = 0
    for sample in samples:
        grey = np.asarray(sample.images[0].convert("L")).astype(int)
        for turn in sample.turns:
            for x1, y1, x2, y2 in boxes(turn.question + turn.answer):
                high, wide = grey.shape
                part = grey[y1 * high // 1000 : y2 * high // 1000 + 1, x1 * wide // 1000 : x2 * wide // 1000 + 1]
                assert part.max() - part.min() > 25, turn
                found += 1
    assert found > 1


def test_sizes_and_turns(samples):
    assert all(min(sample.images[0].size) >= 150 and max(sample.images[0].size) <= 1600 for sample in samples)
    assert all(
        turn.answer.strip() and "{" not in turn.question and "<image>" not in turn.question
        for sample in samples
        for turn in sample.turns
    )
    assert {sample.facts["page_language"] for sample in samples} == {"en", "zh"}


def test_same_seed_same_sample(samples):
    again = Documents().sample(random.Random(3), "train")
    assert again.turns == samples[3].turns
    assert again.images[0].tobytes() == samples[3].images[0].tobytes()


def test_the_test_split_has_its_own_look(samples):
    unseen = Documents().sample(random.Random(1), "test")
    style, colours, font = unseen.facts["look"].split("/", 2)
    seen = [sample.facts["look"].split("/", 2) for sample in samples]
    assert style in names_of("documents", "test")
    assert colours in names_of("palette", "test")
    assert font not in {one[2] for one in seen}


def test_answers_equal_facts(samples):
    for sample in samples:
        for task, turn in zip(sample.facts["tasks"], sample.turns, strict=True):
            fields, answer = sample.facts["fields"], turn.answer
            if task == "field":
                assert answer in {*fields.values(), BLANK[sample.language]}
                label = next(label for label, value in fields.items() if (value or BLANK[sample.language]) == answer)
                assert fields[label] in (answer, "")
            elif task == "owner":
                assert fields[answer] in turn.question
            elif task == "extract":
                assert json.loads(answer).items() <= fields.items()
            elif task == "headings":
                assert answer.split("\n") == sample.facts["headings"]
            elif task == "heading_count":
                assert int(answer) == len(sample.facts["headings"])
            elif task == "blank":
                assert answer.split("\n") == ([label for label, value in fields.items() if not value] or [NONE[sample.language]])
            elif task == "absent":
                assert answer == REFUSALS[sample.language]


def test_phrases_are_many_and_distinct():
    for task, worded in PHRASES.items():
        for phrases in worded.values():
            assert len(set(phrases)) == len(phrases) >= 3, task
