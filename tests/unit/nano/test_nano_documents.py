"""Documents: answers equal what stands on the page, boxes hold ink, absent things are refused, the same seed gives the same page."""

from __future__ import annotations

import json

import pytest
from page_checks import (
    check_boxes_hold_ink,
    check_same_seed_same_sample,
    check_sizes_and_turns,
    check_test_split_has_its_own_look,
    drawn,
)
from recipes.nano.data.families.documents import Documents
from recipes.nano.data.families.phrases_documents import BLANK, NONE, PHRASES
from recipes.nano.data.families.phrases_reading import REFUSALS

SEEDS = range(10)


@pytest.fixture(scope="module")
def samples():
    return drawn(Documents(), SEEDS)


def test_boxes_hold_ink(samples):
    check_boxes_hold_ink(samples)


def test_sizes_and_turns(samples):
    check_sizes_and_turns(samples)


def test_same_seed_same_sample(samples):
    check_same_seed_same_sample(Documents(), samples)


def test_the_test_split_has_its_own_look(samples):
    check_test_split_has_its_own_look(Documents(), samples)


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
