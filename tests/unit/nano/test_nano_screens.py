"""Screens: names, boxes and states agree with the elements, what is absent is refused, the same seed gives the same screen."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from recipes.nano.data.families.phrases_documents import NONE, REFUSALS
from recipes.nano.data.families.phrases_screens import PHRASES
from recipes.nano.data.families.screens import ALIKE, Screens
from recipes.nano.data.families.screens_layouts import LAYOUTS, lay_out
from recipes.nano.data.families.words_screens import COMMANDS, ICONS, KINDS
from recipes.nano.data.sample import MissingMaterial
from recipes.nano.data.themes import names_of

SEEDS = range(16)


@pytest.fixture(scope="module")
def samples():
    pytest.importorskip("playwright")
    try:
        return [Screens().sample(random.Random(seed), "train") for seed in SEEDS]
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
    again = Screens().sample(random.Random(3), "train")
    assert again.turns == samples[3].turns
    assert again.images[0].tobytes() == samples[3].images[0].tobytes()


def test_the_test_split_has_its_own_look(samples):
    unseen = Screens().sample(random.Random(1), "test")
    style, colours, font = unseen.facts["look"].split("/", 2)
    seen = [sample.facts["look"].split("/", 2) for sample in samples]
    assert style in names_of("screens", "test")
    assert colours in names_of("palette", "test")
    assert font not in {one[2] for one in seen}


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
