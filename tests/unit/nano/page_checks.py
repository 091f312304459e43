"""What holds for every family drawn by a browser; not a test module itself."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from recipes.nano.data.sample import Family, MissingMaterial, Sample
from recipes.nano.data.themes import names_of


def drawn(family: Family, seeds: range) -> list[Sample]:
    """Training samples, or a skip where browser or fonts are missing."""
    pytest.importorskip("playwright")
    try:
        return [family.sample(random.Random(seed), "train") for seed in seeds]
    except MissingMaterial as error:
        pytest.skip(str(error))


def boxes(text: str) -> list[list[int]]:
    return [[int(side) for side in found.groups()] for found in re.finditer(r"\[(\d+), (\d+), (\d+), (\d+)\]", text)]


def check_boxes_hold_ink(samples: list[Sample]) -> None:
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


def check_same_seed_same_sample(family: Family, samples: list[Sample]) -> None:
    again = family.sample(random.Random(3), "train")
    assert again.turns == samples[3].turns
    assert again.images[0].tobytes() == samples[3].images[0].tobytes()


def check_test_split_has_its_own_look(family: Family, samples: list[Sample]) -> None:
    unseen = family.sample(random.Random(1), "test")
    style, colours, font = unseen.facts["look"].split("/", 2)
    seen = [sample.facts["look"].split("/", 2) for sample in samples]
    assert style in names_of(family.name, "test")
    assert colours in names_of("palette", "test")
    assert font not in {one[2] for one in seen}


def check_sizes_and_turns(samples: list[Sample]) -> None:
    """Pages have usable sizes, every turn is filled in, and both languages occur."""
    assert all(min(sample.images[0].size) >= 150 and max(sample.images[0].size) <= 1600 for sample in samples)
    assert all(
        turn.answer.strip() and "{" not in turn.question and "<image>" not in turn.question
        for sample in samples
        for turn in sample.turns
    )
    assert {sample.facts["page_language"] for sample in samples} == {"en", "zh"}
