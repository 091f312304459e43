"""What the families drawn by a browser share: which questions are put to a page, and in which language.

page, tasks with weights -> one to three (task, question, answer) that the page can answer -> Sample
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from recipes.nano.data.browser import Page
from recipes.nano.data.sample import Language, Sample, Turn

# Question and answer, or None where the page can't answer truly.
Answer: TypeAlias = tuple[str, str] | None
Asked = TypeVar("Asked")
# Task -> how often it is asked, and what asks it.
Tasks: TypeAlias = Mapping[str, tuple[float, Callable[[Asked], Answer]]]


def language_of_questions(source: random.Random, page_language: Language, *, other: float) -> Language:
    """The page's language, or with probability `other` the other one."""
    if source.random() < other:
        return "zh" if page_language == "en" else "en"
    return page_language


def some_questions(tasks: Tasks[Asked], asked: Asked, source: random.Random) -> list[tuple[str, Turn]]:
    """One to three questions of different tasks that this page can answer."""
    count = source.choice((1, 2, 2, 3))
    found: list[tuple[str, Turn]] = []
    for task in sorted(tasks, key=lambda task: source.random() ** (1 / tasks[task][0]), reverse=True):
        made = tasks[task][1](asked)
        if made is not None:
            found.append((task, Turn(question=made[0], answer=made[1])))
        if len(found) == count:
            break
    return found


def page_sample(family: str, language: Language, page: Page, chosen: list[tuple[str, Turn]], facts: dict[str, Any]) -> Sample:
    """The sample of a page, its tasks among the facts."""
    facts = facts | {"tasks": [task for task, _ in chosen]}
    turns = tuple(turn for _, turn in chosen)
    return Sample(family=family, task=chosen[0][0], language=language, images=(page.image,), turns=turns, facts=facts)
