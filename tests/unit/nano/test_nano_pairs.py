"""Pairs: the pictures differ exactly where and how the answers say."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest
from PIL import ImageChops
from recipes.nano.data.families.pair_change import Changed, change
from recipes.nano.data.families.pairs import Pairs
from recipes.nano.data.families.phrases_pairs import CHINESE, ENGLISH
from recipes.nano.data.names import plural
from recipes.nano.data.pictures import Album
from recipes.nano.data.sample import Sample
from small_album import small_album


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Album:
    return small_album(tmp_path_factory.mktemp("album"))


@pytest.fixture(scope="module")
def samples(book: Album) -> list[Sample]:
    return [Pairs(book).sample(random.Random(seed), "train") for seed in range(90)]


def test_every_kind_of_change_is_true(book: Album) -> None:
    seen: Counter[str | None] = Counter()
    for seed in range(45):
        made = change(random.Random(seed), book, "train", 480)
        seen[made.how] += 1
        _check(made)
    assert set(seen) == {None, "added", "removed", "replaced", "painted", "moved"}


def _check(made: Changed) -> None:
    before, after = ({(thing.name.en, thing.box) for thing in scene.things} for scene in (made.before, made.after))
    different = ImageChops.difference(made.before.image, made.after.image).getbbox()
    assert (different is None) == (made.how is None)
    names_before, names_after = {name for name, _ in before}, {name for name, _ in after}
    if made.how == "added":
        assert names_after - names_before == {made.name.en}
    elif made.how == "removed":
        assert names_before - names_after == {made.name.en}
    elif made.how == "replaced":
        assert made.other is not None
        assert (names_before - names_after, names_after - names_before) == ({made.name.en}, {made.other.en})
    elif made.how == "painted":
        assert made.colours is not None
        assert {box for _, box in before} == {box for _, box in after}
        assert f"{made.colours[1].en} {made.name.en.partition(' ')[2]}" in names_after
    elif made.how == "moved":
        _check_move(made)


def _check_move(made: Changed) -> None:
    start, end = (next(thing for thing in scene.things if thing.name == made.name).centre for scene in (made.before, made.after))
    dx, dy = end[0] - start[0], end[1] - start[1]
    assert made.way == (("left" if dx < 0 else "right") if abs(dx) > abs(dy) else ("above" if dy < 0 else "below"))


def test_the_same_seed_gives_the_same_sample(book: Album, samples: list[Sample]) -> None:
    for seed in range(5):
        again = Pairs(book).sample(random.Random(seed), "train")
        assert again.turns == samples[seed].turns
        assert [image.tobytes() for image in again.images] == [image.tobytes() for image in samples[seed].images]


def test_answers_follow_from_the_pictures(samples: list[Sample]) -> None:
    tasks: Counter[str] = Counter()
    for sample in samples:
        assert 2 <= len(sample.images) <= 4
        assert len(sample.images) == len(sample.facts["objects"])
        numbers = [Counter(thing["name"] for thing in things) for things in sample.facts["objects"]]
        for turn, fact in zip(sample.turns, sample.facts["turns"], strict=True):
            tasks[fact["task"]] += 1
            assert all(int(number) <= len(sample.images) for number in re.findall(r"Image-(\d)", turn.question + turn.answer))
            if sample.language == "en" and fact["task"] in {"count", "sum", "sort", "more"}:
                _check_numbers(turn.question, fact, numbers)
            if fact["task"] == "same":
                assert fact["value"] == (sample.images[0].tobytes() == sample.images[1].tobytes())
    assert set(ENGLISH) - set(tasks) <= {"common", "fewer"}


def _check_numbers(question: str, fact: dict, numbers: list[Counter[str]]) -> None:
    names = sorted({name for counter in numbers for name in counter if plural(name) in question}, key=len)
    if not names:
        return
    own = [counter[names[-1]] for counter in numbers]
    if fact["task"] == "sum":
        assert fact["value"] == sum(own)
    elif fact["task"] == "sort":
        assert [own[number - 1] for number in fact["value"]] == sorted(own)
    elif fact["task"] == "more":
        assert fact["value"] == ("same" if own[0] == own[1] else own.index(max(own)) + 1)
    else:
        asked = re.search(r"Image-(\d)", question)
        assert asked is not None
        assert fact["value"] == own[int(asked.group(1)) - 1]


def test_both_languages_can_ask_everything() -> None:
    assert set(ENGLISH) == set(CHINESE)


def test_something_is_asked_that_no_picture_shows(samples: list[Sample]) -> None:
    refused = [sample for sample in samples if any(fact["task"] == "shows" and fact["value"] == [] for fact in sample.facts["turns"])]
    assert refused


def test_test_pictures_are_unseen(book: Album, tmp_path: Path) -> None:
    train = {drawing.key for drawing in book.drawings("train")}
    for seed in range(10):
        sample = Pairs(book).sample(random.Random(seed), "test")
        drawn = {thing["drawing"] for things in sample.facts["objects"] for thing in things}
        assert not drawn & train
