"""Screens: names, boxes and states agree with the elements, what is absent is refused, the same seed gives the same screen."""

from __future__ import annotations

import random
import re

import pytest
from page_checks import (
    check_boxes_hold_ink,
    check_same_seed_same_sample,
    check_sizes_and_turns,
    check_test_split_has_its_own_look,
    drawn,
)
from recipes.nano.data.families.phrases_documents import NONE
from recipes.nano.data.families.phrases_reading import REFUSALS
from recipes.nano.data.families.phrases_screens import PHRASES
from recipes.nano.data.families.screens import ALIKE, Screens
from recipes.nano.data.families.screens_layouts import LAYOUTS, lay_out
from recipes.nano.data.families.words_screens import COMMANDS, ICONS, KINDS

SEEDS = range(16)


@pytest.fixture(scope="module")
def samples():
    return drawn(Screens(), SEEDS)


def test_boxes_hold_ink(samples):
    check_boxes_hold_ink(samples)


def test_sizes_and_turns(samples):
    check_sizes_and_turns(samples)


def test_same_seed_same_sample(samples):
    check_same_seed_same_sample(Screens(), samples)


def test_the_test_split_has_its_own_look(samples):
    check_test_split_has_its_own_look(Screens(), samples)


def test_answers_equal_elements(samples):
    for sample in samples:
        elements = sample.facts["elements"]
        for task, turn in zip(sample.facts["tasks"], sample.turns, strict=True):
            if task in ("where", "click"):
                assert re.match(r"<ref>(.*)</ref>", turn.answer)[1] in {name for _, name, _, _ in elements}
            elif task in ("checked", "switches", "switches_off"):
                role, state = ("check" if task == "checked" else "switch"), task != "switches_off"
                names = [name for kind, name, on, _ in elements if kind == role and on == state]
                assert turn.answer.split("\n") == (names or [NONE[sample.language]])
            elif task == "disabled":
                assert turn.answer.split("\n") == ([name for _, name, _, off in elements if off] or [NONE[sample.language]])
            elif task == "absent":
                assert turn.answer == REFUSALS[sample.language]


def test_names_on_a_screen_are_unique():
    for seed in range(150):
        source = random.Random(seed)
        screen = lay_out(source, source.choice(("en", "zh")), "train")
        names = [element.name for element in screen.elements]
        assert len(set(names)) == len(names), (screen.kind, names)
        assert all(fact.task in PHRASES for fact in screen.facts)


def test_words_fit_together():
    assert set(ICONS) <= set(COMMANDS)
    assert set().union(*ALIKE) <= set(COMMANDS)
    assert set(KINDS) == set(LAYOUTS)
    for place in range(4):
        words = [command[place] for command in COMMANDS.values()]
        assert len(set(words)) == len(words)
