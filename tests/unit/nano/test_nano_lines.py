"""Lines of text: answers are true, boxes have ink, a seed decides everything; the fast path gives what it was asked for."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from reading_checks import check, samples
from recipes.nano.data.families.lines import TASKS, Lines, line_picture
from recipes.nano.data.families.phrases_reading import PHRASES, REFUSALS, phrase
from recipes.nano.data.sample import MissingMaterial


def test_turns_are_true() -> None:
    made = samples(Lines(), range(80), "train")
    for sample in made:
        check(sample)
        assert 1 <= len(sample.facts["lines"]) <= 3
        assert 9 <= sample.facts["text_px"] <= 64
    assert {sample.language for sample in made} == {"en", "zh"}
    seen = {turn["task"] for sample in made for turn in sample.facts["turns"]}
    assert {"read", "where", "read_box", "present", "absent", "count_lines"} <= seen
    assert any(turn.answer in REFUSALS.values() for sample in made for turn in sample.turns)


def test_reading_is_the_text() -> None:
    read = [
        (turn.answer, sample.facts["text"])
        for sample in samples(Lines(), range(40), "train")
        for turn, facts in zip(sample.turns, sample.facts["turns"], strict=True)
        if facts["task"] == "read"
    ]
    assert read
    assert all(answer == text for answer, text in read)


def test_same_seed_same_sample() -> None:
    first, second = samples(Lines(), range(6), "train"), samples(Lines(), range(6), "train")
    for one, other in zip(first, second, strict=True):
        assert (one.turns, one.facts) == (other.turns, other.facts)
        assert np.array_equal(np.asarray(one.images[0]), np.asarray(other.images[0]))


@pytest.mark.parametrize("split", ["val", "test"])
def test_scored_splits_ask_once(split: str) -> None:
    for sample in samples(Lines(), range(15), split):
        check(sample)
        assert len(sample.turns) == 1


@pytest.mark.parametrize("height", [32, 48])
def test_line_pictures(height: int) -> None:
    try:
        made = [line_picture(random.Random(seed), "train", height=height) for seed in range(60)]
        again = [line_picture(random.Random(seed), "train", height=height) for seed in range(60)]
    except MissingMaterial as error:
        pytest.skip(f"no materials: {error}")
    for (image, text), (other, same) in zip(made, again, strict=True):
        assert image.mode == "RGB"
        assert image.height == height
        assert image.width <= 24 * height + height
        assert text.strip() == text == same
        assert np.array_equal(np.asarray(image), np.asarray(other))
        assert np.ptp(np.asarray(image.convert("L"), dtype=np.float32)) > 30


def test_every_wording_can_be_filled_in() -> None:
    for task, wordings in PHRASES.items():
        assert set(wordings) == {"en", "zh"}
        for language in ("en", "zh"):
            assert len(wordings[language]) == len(set(wordings[language])) >= 2
            for seed in range(30):
                asked = phrase(random.Random(seed), task, language, n=3, text="word", box="[[1, 2, 3, 4]]")
                assert "{" not in asked
                assert "}" not in asked


def test_weights_are_positive() -> None:
    assert all(weight > 0 for weight, _ in TASKS)
