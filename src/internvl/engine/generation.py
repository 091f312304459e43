"""An answer as an iterator of text pieces, with what it cost and what it leaves behind for a next turn."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import torch

from internvl.engine.answer import Answer
from internvl.engine.prefix import Prefix
from internvl.engine.request import Reply
from internvl.models.language.cache import KVCache


class Generation(Iterator[str]):
    """Iterate for the pieces; `reply` is complete when the iteration ended. `close` stops it early: no step is computed after that."""

    def __init__(self, pieces: Generator[str], answer: Answer, cache: KVCache, *, first_prompt: int) -> None:
        self._pieces = pieces
        self._answer = answer
        self._cache = cache
        self._first_prompt = first_prompt

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """Stop here; `reply` is what was said so far."""
        self._pieces.close()

    @property
    def ids(self) -> Sequence[int]:
        """The tokens so far; the list grows."""
        return self._answer.ids

    @property
    def reply(self) -> Reply:
        """What has been answered so far."""
        return self._answer.reply()

    @property
    def prefix(self) -> Prefix:
        """What the model has read by now, for a next turn."""
        inputs = self._answer.request.inputs
        ids = torch.cat([inputs.ids, torch.tensor(self._answer.ids, dtype=torch.long)])
        return Prefix(ids[: self._cache.length], inputs.tile_keys, self._cache, self._first_prompt)
