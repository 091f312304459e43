"""Clips: frames change when and how the answers say; text clips show every letter."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import pairwise

import pytest
from PIL import Image, ImageChops
from recipes.nano.data.families.clip_stories import STORIES, Story, _track
from recipes.nano.data.families.clip_talk import ClipTalk
from recipes.nano.data.families.clip_texts import TEXT_STORIES
from recipes.nano.data.families.clips import Clips
from recipes.nano.data.families.phrases_clips import CHINESE, ENGLISH
from recipes.nano.data.pictures import Album
from recipes.nano.data.sample import MissingMaterial
from small_album import small_album

COUNT, SIZE = 9, (320, 240)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Album:
    return small_album(tmp_path_factory.mktemp("album"))


def _story(book: Album, name: str, seed: int) -> Story:
    """The first of some tries that works out."""
    talk = ClipTalk(random.Random(seed), "en")
    return next(story for _ in range(60) if (story := STORIES[name][0](talk, book, "train", COUNT, SIZE)) is not None)


def _values(story: Story, task: str) -> list:
    return [facts["value"] for each, _, facts in story.found if each == task]


@pytest.mark.parametrize("way", ["left", "right", "up", "down", "up left", "down right", ""])
def test_tracks_go_where_they_say(way: str) -> None:
    for seed in range(20):
        track = _track(random.Random(seed), way, (40, 30), (0, 0, *SIZE), COUNT)
        if track is None:
            continue
        steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(track)]
        assert all((dx < 0) == ("left" in way) and (dx > 0) == ("right" in way) for dx, _ in steps)
        assert all((dy < 0) == ("up" in way) and (dy > 0) == ("down" in way) for _, dy in steps)
        assert all(0 <= x <= SIZE[0] - 40 and 0 <= y <= SIZE[1] - 30 for x, y in track)


def test_things_come_in_the_frame_that_is_said(book: Album) -> None:
    for seed in range(6):
        story = _story(book, "comes", seed)
        changes = [k + 1 for k in range(1, COUNT) if _differ(story.frames[k - 1], story.frames[k])]
        assert changes == [frame for frame in _values(story, "when") if frame > 1]


def test_things_go_in_the_frame_that_is_said(book: Album) -> None:
    for seed in range(6):
        story = _story(book, "goes", seed)
        changes = [k + 1 for k in range(1, COUNT) if _differ(story.frames[k - 1], story.frames[k])]
        assert changes == _values(story, "gone_when")
        assert len(_values(story, "left")[0]) == len(story.names) - len(changes)


def test_numbers_change_with_the_frames(book: Album) -> None:
    for seed in range(6):
        story = _story(book, "counts", seed)
        start, end = _values(story, "count_start")[0], _values(story, "count_end")[0]
        changes = sum(_differ(first, second) for first, second in pairwise(story.frames))
        assert abs(end - start) == changes


def test_colours_change_as_often_as_is_said(book: Album) -> None:
    for seed in range(4):
        story = _story(book, "turns_colour", seed)
        changes = sum(_differ(first, second) for first, second in pairwise(story.frames))
        assert changes == len(_values(story, "colours")[0]) - 1


def test_clips_without_text(book: Album) -> None:
    family, tasks = Clips(book, texts=False), Counter()
    for seed in range(45):
        sample = family.sample(random.Random(seed), "train")
        assert sample.is_video
        assert 8 <= len(sample.images) <= 16
        assert len({image.size for image in sample.images}) == 1
        assert len(sample.turns) == len(sample.facts["turns"])
        for turn, fact in zip(sample.turns, sample.facts["turns"], strict=True):
            tasks[fact["task"]] += 1
            assert "{" not in turn.question + turn.answer
            assert turn.answer
            plain = re.sub(r"Frame-\d+", "", turn.question + turn.answer)
            assert not re.search(r"[\u4e00-\u9fff]" if sample.language == "en" else r"[A-Za-z]", plain)
    assert {"direction", "order", "exists"} <= set(tasks)
    assert set(tasks) <= set(ENGLISH)
    assert set(ENGLISH) == set(CHINESE)


def test_the_same_seed_gives_the_same_clip(book: Album) -> None:
    family = Clips(book, texts=False)
    for seed in range(3):
        first, second = (family.sample(random.Random(seed), "val") for _ in range(2))
        assert first.turns == second.turns
        assert [image.tobytes() for image in first.images] == [image.tobytes() for image in second.images]


@pytest.mark.parametrize("name", sorted(TEXT_STORIES))
def test_clips_of_text(name: str) -> None:
    talk = ClipTalk(random.Random(7), "en")
    try:
        story = next(made for _ in range(60) if (made := TEXT_STORIES[name][0](talk, "train", COUNT, SIZE)) is not None)
    except MissingMaterial as error:
        pytest.skip(f"fonts or texts are absent: {error}")
    assert len(story.frames) == COUNT
    assert story.found[0][1].answer
    assert len({frame.tobytes() for frame in story.frames}) >= 3
    if name in {"scrolls", "typed"}:
        assert story.found[0][1].answer == story.found[0][2]["value"]


def _differ(first: Image.Image, second: Image.Image) -> bool:
    return ImageChops.difference(first, second).getbbox() is not None
