"""A request under way: its prompt goes into a cache bit by bit, then its answer is written behind it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from internvl.engine.answer import Answer
from internvl.engine.prefix import Prefix
from internvl.engine.shown import Shown
from internvl.models.language.cache import KVCache


@dataclass(eq=False)
class Reading:
    """`logits` [vocabulary] follow the last token of the prompt, once all of it is in the cache and until the first token is chosen.

    first_prompt: length of the prompt that began the cache, an earlier turn's perhaps. shown: the prompt's tiles.
    """

    answer: Answer
    cache: KVCache
    first_prompt: int
    shown: Shown
    logits: Tensor | None = None

    @property
    def goal(self) -> int:
        """Tokens that are in the cache when the next one can be chosen: the prompt, and the answer but for its last token."""
        return self.answer.request.inputs.tokens + max(0, len(self.answer.ids) - 1)

    @property
    def left(self) -> int:
        """Tokens that are still to be read: of the prompt, and of an answer whose cache was given to others."""
        return max(0, self.goal - self.cache.length)

    @property
    def finished(self) -> bool:
        """Whether the answer is complete."""
        return self.answer.finish_reason is not None

    @property
    def prefix(self) -> Prefix:
        """What the model has read by now, for a next turn."""
        inputs = self.answer.request.inputs
        ids = torch.cat([inputs.ids, torch.tensor(self.answer.ids, dtype=torch.long)])
        return Prefix(ids[: self.cache.length], inputs.tile_keys, self.cache, self.first_prompt)
