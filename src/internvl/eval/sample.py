"""What flows through an evaluation: a question with its gold, the answer of a model, and the scored line that is kept.

    Sample [messages, reference, extra] -> Answer [text, cost] -> Scored [answers, score], one line of samples.jsonl

Everything but the messages of a sample is JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from internvl.messages import Message


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One question of a benchmark.

    id: unique within task, split and variant. messages: what is asked, with its pictures and clips. reference: the gold, as JSON.
    extra: everything else that scoring and grouping need (category, choices, width, ...), as JSON.
    row: where it stands in its file, from 1.
    """

    id: str
    messages: tuple[Message, ...]
    reference: Any = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    row: int = 0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a generator said to one question, and what it cost. `image_tokens` are part of `prompt_tokens`; 0 where unknown."""

    text: str
    seconds: float = 0.0
    prompt_tokens: int = 0
    image_tokens: int = 0
    new_tokens: int = 0
    finish_reason: str = "stop"


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One line of samples.jsonl: a sample, what was answered (one string a turn) and its score.

    score: has "score", a float, and usually "prediction", what was extracted from the answer; an "error" sentence where the sample
    could not be asked, whose score is 0. usage: tokens and seconds summed over turns.
    """

    id: str
    row: int
    answers: tuple[str, ...]
    reference: Any
    extra: Mapping[str, Any]
    score: Mapping[str, Any]
    usage: Mapping[str, float] = field(default_factory=dict)
