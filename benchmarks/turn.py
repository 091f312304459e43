"""One answer of a program that is timed, and how far answers agree. Imports nothing, so that any program's environment can use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Turn:
    """One answer. `state` is what a next turn may continue: keys and values of what was read. prompt_tokens: 0 where not known."""

    tokens: list[int]
    first_token_s: float
    decode_s: float
    encode_s: float
    prompt_tokens: int = 0
    state: Any = field(default=None, repr=False)

    @property
    def tokens_per_s(self) -> float:
        """Decoding speed behind the first token."""
        return (len(self.tokens) - 1) / self.decode_s if self.decode_s > 0 else 0.0


def shared(*answers: Sequence[int]) -> int:
    """How many leading tokens are the same in all answers."""
    count = 0
    for tokens in zip(*answers, strict=False):
        if len(set(tokens)) > 1:
            break
        count += 1
    return count
