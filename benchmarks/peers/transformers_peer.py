"""transformers' port of the model by its own `generate`: the contender of `benchmarks.chat_speed`, asked in chats."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from benchmarks.chat_worker import tiles
from benchmarks.contenders import Transformers
from benchmarks.machine import peak_memory_mb
from benchmarks.peers.peer import Picture, Setup
from benchmarks.turn import Turn

DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


class TransformersPeer:
    """`extra` brings the prompts as ids: `ids` by number of tiles, `second_turn_ids`, and `side` of a tile in pixels."""

    def __init__(self, setup: Setup) -> None:
        torch.set_num_threads(setup.threads)
        self._setup = setup
        self._contender = Transformers()
        self._last: tuple[list[int], torch.Tensor, Any] | None = None

    def load(self) -> None:
        """Model and tokenizer."""
        self._contender.load(self._setup.folder, DTYPES[self._setup.variant])

    def ask(self, picture: Picture, question: str, *, tokens: int) -> Turn:
        """`question` is in the ids already."""
        ids, pixels = self._prompt(picture)
        turn = self._contender.answer(ids, pixels, tokens=tokens)
        self._last = ([*ids, *turn.tokens, *self._setup.extra["second_turn_ids"]], pixels, turn.state)
        turn.prompt_tokens = len(ids)
        return turn

    def again(self, question: str, *, tokens: int, by_hand: bool = False) -> Turn | None:
        """Everything is read again, unless its caller kept the cache."""
        if self._last is None:
            raise ValueError("there is no chat to go on with")
        ids, pixels, state = self._last
        return self._contender.answer(ids, pixels, tokens=tokens, state=state if by_hand else None)

    def batch(self, pictures: Sequence[Picture], question: str, *, tokens: int) -> float:
        """One `generate` of all rows."""
        began = time.perf_counter()
        self._contender.batch(self._prompt(pictures[0])[0], [self._prompt(picture)[1] for picture in pictures], tokens=tokens)
        return time.perf_counter() - began

    def peak_mb(self) -> float:
        """Of this process."""
        return peak_memory_mb()

    def close(self) -> None:
        """Nothing was started."""

    def _prompt(self, picture: Picture) -> tuple[list[int], torch.Tensor]:
        extra = self._setup.extra
        return extra["ids"][str(picture.tiles)], tiles(picture.tiles, extra["side"], seed=picture.seed)
