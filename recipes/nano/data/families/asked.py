"""A question with its true answer, and the facts by which an answer is scored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from recipes.nano.data.sample import Turn


@dataclass(frozen=True)
class Asked:
    """One question with its true answer, and what scoring needs to know: always `task`, for numbers `value` and `tolerance`."""

    turn: Turn
    facts: dict[str, Any] = field(default_factory=dict)
