"""Conversation without pictures: who the model is, thanks, small sums, plain facts, and refusals where a picture is missing.

intents of a conversation -> turns        a question belongs to one split as a whole: val and test phrase things as never trained
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeAlias

from recipes.nano.data.families.phrases_talk import (
    BEFORE,
    BIGGER,
    CAPITAL_OF,
    CAPITALS,
    COUNTRY_OF,
    ENDINGS,
    FACTS,
    INTENTS,
    PLAIN,
    QUESTION_WORDS,
    REPEAT,
    SHORT,
    SUMS,
    WORDS,
)
from recipes.nano.data.families.receipts_goods import pick_goods
from recipes.nano.data.sample import Language, Sample, Split, Turn, part_of

Say: TypeAlias = Callable[[random.Random, Language, Split], Turn]
# One question in twenty falls into a small split; more tries than that would only find the same again.
_TRIES = 300


class Talk:
    """The family `talk`."""

    name = "talk"

    def sample(self, source: random.Random, split: Split) -> Sample:
        """One to five turns in one language, a greeting first and thanks last where they come at all."""
        language: Language = source.choice(("en", "zh"))
        turns: list[Turn] = []
        said: list[str] = []
        for task in _tasks(source):
            turn = _turn(task, source, language, split)
            if turn is None:
                # An intent of few phrasings may have none in this split; sums never run out.
                task, turn = "sum", _turn("sum", source, language, split)
            if turn is not None and all(turn.question != other.question for other in turns):
                turns.append(turn)
                said.append(task)
        return Sample(family=self.name, task=said[0], language=language, images=(), turns=tuple(turns), facts={"tasks": said})


def _tasks(source: random.Random) -> list[str]:
    """What a conversation is about. Each of the middle ones comes once."""
    names, weights = zip(*_MIDDLE.items(), strict=True)
    middle: list[str] = []
    for _ in range(source.choice((1, 1, 1, 2, 2, 3))):
        name = source.choices(names, weights)[0]
        if name not in middle:
            middle.append(name)
    opening = ["greeting"] if source.random() < 0.2 else []
    closing = [source.choice(("thanks", "bye", "praise", "okay"))] if source.random() < 0.25 else []
    return opening + middle + closing


def _turn(task: str, source: random.Random, language: Language, split: Split) -> Turn | None:
    """A turn whose question belongs to the split; None where the intent has none there."""
    for _ in range(_TRIES):
        turn = _SAID[task](source, language, split) if task in _SAID else _small_talk(task, source, language)
        if part_of(turn.question) == split:
            return turn
    return None


def _small_talk(task: str, source: random.Random, language: Language) -> Turn:
    questions, answers = INTENTS[task][language]
    return Turn(question=_dressed(source.choice(questions), task, source, language), answer=source.choice(answers))


def _capital(source: random.Random, language: Language, _: Split) -> Turn:
    country_en, country_zh, city_en, city_zh = source.choice(CAPITALS)
    country, city = (country_zh, city_zh) if language == "zh" else (country_en, city_en)
    stop = "。" if language == "zh" else ("" if city.endswith(".") else ".")
    if source.random() < 0.7:
        question, answer = source.choice(CAPITAL_OF[language]).format(country=country), city + stop
        question = question[:1].upper() + question[1:]
    else:
        question, answer = (
            source.choice(COUNTRY_OF[language]).format(city=city),
            country[:1].upper() + country[1:] + ("。" if language == "zh" else "."),
        )
    return Turn(question=_dressed(question, "capital", source, language), answer=answer)


def _fact(source: random.Random, language: Language, _: Split) -> Turn:
    question, answer = source.choice(FACTS[language])
    return Turn(question=_dressed(question, "fact", source, language) + source.choice(SHORT[language]), answer=answer)


def _sum(source: random.Random, language: Language, _: Split) -> Turn:
    """Two numbers and a sign; divisions come out even, differences are never negative."""
    sign = source.choice("++--**/")
    first, second = source.randint(0, 100), source.randint(0, 100)
    if sign == "-" and second > first:
        first, second = second, first
    if sign in "*/":
        first, second = source.randint(0, 12), source.randint(1, 12)
    result = {"+": first + second, "-": first - second, "*": first * second, "/": first}[sign]
    if sign == "/":
        first *= second
    word = source.choice(WORDS[language][sign])
    tight = language == "zh" and not word.isascii()
    written = (
        f"{first}{word}{second}"
        if tight or (not word.isalpha() and " " not in word and source.random() < 0.3)
        else f"{first} {word} {second}"
    )
    question = source.choice(SUMS[language]).format(sum=written)
    ending = "" if question.endswith(("=", written)) else source.choice(("?", "") if language == "en" else ("？", ""))
    return Turn(question=question + ending, answer=str(result))


def _bigger(source: random.Random, language: Language, _: Split) -> Turn:
    first, second = source.sample(range(1, 1000), 2)
    question = source.choice(BIGGER[language]).format(a=first, b=second)
    return Turn(question=_dressed(question, "bigger", source, language), answer=str(max(first, second)))


def _repeat(source: random.Random, language: Language, split: Split) -> Turn:
    """Copying is what reading ends in."""
    words = source.choice(
        (
            pick_goods(source, language, split, "food", 1)[0],
            str(source.randint(10, 99999)),
            pick_goods(source, language, split, "dish", 1)[0],
        )
    )
    return Turn(question=source.choice(REPEAT[language]).format(words=words), answer=words)


def _dressed(line: str, task: str, source: random.Random, language: Language) -> str:
    """A line as people type it: with words before it, a sign behind it, sometimes in small letters."""
    asks = line.split(" ")[0].lower() in QUESTION_WORDS or (language == "zh" and any(mark in line for mark in "谁什吗几哪怎多么"))
    before = "" if task in PLAIN else source.choice(BEFORE[language])
    if before and language == "en" and not line.startswith(("I ", "I'")):
        line = (
            line[:1].lower() + line[1:]
            if line.split(" ")[0].lower() in (*QUESTION_WORDS, "name", "tell", "describe", "read", "write")
            else line
        )
    marks = ("?", "?", "") if language == "en" else ("？", "？", "")
    ending = source.choice(marks if asks else (ENDINGS[language][0], ENDINGS[language][1], ENDINGS[language][2]))
    line = before + line + ending
    return line.lower() if language == "en" and source.random() < 0.12 else line


_SAID: dict[str, Say] = {"capital": _capital, "fact": _fact, "sum": _sum, "bigger": _bigger, "repeat": _repeat}
_MIDDLE = {
    "who": 3.0,
    "skills": 2.0,
    "how_are_you": 0.7,
    "languages": 0.7,
    "human": 0.7,
    "no_picture": 3.0,
    "unknown": 2.0,
    "out_of_reach": 1.5,
    "capital": 2.0,
    "fact": 1.5,
    "sum": 2.5,
    "bigger": 0.7,
    "repeat": 1.0,
    "greeting": 1.0,
    "thanks": 1.0,
}
