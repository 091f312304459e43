"""Conversation without pictures: its facts are true, its splits share no question, and a missing picture is asked for."""

from __future__ import annotations

import random
import re

from recipes.nano.data.families.phrases_talk import CAPITALS, FACTS, INTENTS
from recipes.nano.data.families.talk import Talk
from recipes.nano.data.sample import Sample, Split, part_of

SPLITS: tuple[Split, ...] = ("train", "val", "test")
SIGNS = {"+": "+", "plus": "+", "加": "+", "-": "-", "minus": "-", "减": "-", "/": "/", "divided by": "/", "÷": "/", "除以": "/"}
SUM = re.compile(r"(\d+)\s*(plus|minus|times|divided by|乘以|除以|加|减|[-+x*×÷/])\s*(\d+)")


def samples(split: Split, count: int = 400) -> list[Sample]:
    return [Talk().sample(random.Random(number), split) for number in range(count)]


def test_no_pictures_and_only_texts_that_a_record_can_hold() -> None:
    for sample in samples("train"):
        assert sample.images == ()
        assert 1 <= len(sample.turns) <= 5
        for turn in sample.turns:
            assert turn.question.strip()
            assert turn.answer.strip()
            assert not re.search(r"<image>|[{}]", turn.question + turn.answer)


def test_a_question_belongs_to_one_split() -> None:
    for split in SPLITS:
        assert {part_of(turn.question) for sample in samples(split) for turn in sample.turns} == {split}


def test_the_same_seed_gives_the_same_conversation() -> None:
    assert samples("val", 20) == samples("val", 20)


def test_sums_are_right() -> None:
    checked = 0
    for sample in samples("train", 800):
        for task, turn in zip(sample.facts["tasks"], sample.turns, strict=True):
            if task != "sum":
                continue
            found = SUM.search(turn.question)
            assert found, turn.question
            first, second, sign = int(found[1]), int(found[3]), SIGNS.get(found[2], "*")
            results = {"+": first + second, "-": first - second, "*": first * second, "/": first // max(second, 1)}
            assert str(results[sign]) == turn.answer, turn.question
            assert sign != "/" or first % second == 0
            checked += 1
    assert checked > 50


def test_capitals_are_one_to_one_and_answered_from_the_table() -> None:
    for column in range(4):
        assert len({row[column] for row in CAPITALS}) == len(CAPITALS)
    table = {(row[0].lower(), row[2]) for row in CAPITALS} | {(row[1], row[3]) for row in CAPITALS}
    for sample in samples("train"):
        for task, turn in zip(sample.facts["tasks"], sample.turns, strict=True):
            if task == "capital":
                assert any(
                    (name in turn.question.lower() and city.rstrip(".") in turn.answer)
                    or (city.lower() in turn.question.lower() and name in turn.answer.lower())
                    for name, city in table
                ), turn


def test_a_question_about_a_picture_that_is_not_there_is_answered_with_a_request_for_one() -> None:
    seen = 0
    for sample in samples("train"):
        for task, turn in zip(sample.facts["tasks"], sample.turns, strict=True):
            if task == "no_picture":
                assert turn.answer in INTENTS["no_picture"][sample.language][1]
                seen += 1
    assert seen > 20


def test_it_says_who_it_is_in_both_languages() -> None:
    for language in ("en", "zh"):
        assert all("internvl-nano" in answer for answer in INTENTS["who"][language][1])


def test_languages_do_not_mix() -> None:
    for sample in samples("train"):
        chinese = any("\u4e00" <= sign <= "\u9fff" for turn in sample.turns for sign in turn.question)
        assert chinese or sample.language == "en" or all(task in ("sum", "repeat") for task in sample.facts["tasks"])
        if sample.language == "en":
            assert not chinese


def test_facts_are_asked_once() -> None:
    for pairs in FACTS.values():
        assert len({question for question, _ in pairs}) == len(pairs)
