"""Turns about a clip: what several kinds of clips share in asking and answering.

ClipTalk(source, language).turn(task, words, answer, value) -> (task, Turn, facts)
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, TypeAlias

import PIL.Image
from recipes.nano.data.families.phrases_clips import NO_TEXT, NOT_SHOWN, PHRASES
from recipes.nano.data.families.phrases_scenes import NO, YES
from recipes.nano.data.families.scene_tasks import forms
from recipes.nano.data.names import Name, listed, one, sentence_case
from recipes.nano.data.sample import Language, Turn

Found: TypeAlias = tuple[str, Turn, dict[str, Any]]
Frames: TypeAlias = list[PIL.Image.Image]


class ClipTalk:
    """Asks and answers in one language."""

    def __init__(self, source: random.Random, language: Language) -> None:
        self.source = source
        self.language = language

    def turn(self, task: str, words: dict[str, str], answer: str, value: Any) -> Found:
        question = self.source.choice(PHRASES[self.language][task]).format(**words)
        return task, Turn(question=question, answer=answer), {"value": value}

    def about(self, task: str, name: Name, answer: str, value: Any) -> Found:
        return self.turn(task, forms(name, self.language), answer, value)

    def stop(self, text: str) -> str:
        return sentence_case(text) + ("." if self.language == "en" else "。")

    def single(self, name: Name) -> str:
        return self.stop(one(name, "en") if self.language == "en" else name.zh)

    def several(self, names: Sequence[Name]) -> str:
        """`A cat, a dog and an owl.`"""
        return self.stop(listed([one(name, self.language) for name in names], self.language))

    def in_turn(self, names: Sequence[Name]) -> str:
        """In an order that matters: `A cat, a dog, an owl.`"""
        comma = ", " if self.language == "en" else "、"
        return self.stop(comma.join(one(name, self.language) for name in names))

    def frame(self, number: int) -> str:
        """number: from 0."""
        return f"Frame-{number + 1}." if self.language == "en" else f"Frame-{number + 1}。"

    def presence(self, present: Sequence[Name], absent: Name | None) -> list[Found]:
        """Whether something appears: one that does or one that does not; and questions about what is not there."""
        found = []
        if absent is not None:
            found.append(self.about("exists", absent, NO[self.language], False))
            task = self.source.choice(("direction", "when") if absent.exact else ("direction", "when", "colour_end"))
            found.append(self.about(task, absent, NOT_SHOWN[self.language], None))
        if present and all(name.wordless for name in present):
            found.append(self.turn("read", {}, NO_TEXT[self.language], None))
        if present:
            name = self.source.choice(list(present))
            found.append(self.about("exists", name, YES[self.language], True))
        return found
