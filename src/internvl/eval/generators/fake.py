"""A generator without a model: answers from a function, for tests and for measuring the loop itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from internvl.eval.generator import Ask
from internvl.eval.sample import Answer


class FakeGenerator:
    """Answers with `reply(ask)`, or always with the same text. An InternVLError that `reply` raises is that sample's failure."""

    def __init__(self, reply: Callable[[Ask], str] | str = "A", *, name: str = "fake", batch_size: int = 8) -> None:
        self.name = name
        self.batch_size = batch_size
        self._reply = reply

    def describe(self) -> dict[str, Any]:
        """Nothing but its kind and name."""
        return {"kind": "fake", "model": self.name}

    def generate(self, asks: Sequence[Ask]) -> list[Answer]:
        """One answer each."""
        return [Answer(text=self._reply if isinstance(self._reply, str) else self._reply(ask)) for ask in asks]
