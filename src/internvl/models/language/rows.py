"""Sequences that decode together, each in a cache of its own: nothing is copied or padded when one joins or leaves.

    hidden [B,1,D] -> one product a linear layer for all rows -> attention row by row, each over exactly its own tokens

Measured on a CPU against one padded cache with a mask (8 rows, a small model): 1.3 to 1.8 times as fast while lengths differ or are
short, 0.7 times where all rows are equally long and long. There the padded call copied every cache whenever the batch changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from internvl.models.language.cache import KVCache, Step


class Rows:
    """Caches of one sequence each, as the rows of one call that appends one token to each of them."""

    def __init__(self, caches: Sequence[KVCache]) -> None:
        self.caches = list(caches)

    def plan(self, new_tokens: int, device: torch.device) -> Step:
        """What a call that appends `new_tokens` (1) to every row sees: rotary scaling follows each row's own length."""
        if new_tokens != 1:
            raise ValueError(f"rows decode one token at a time, not {new_tokens}")
        positions = torch.tensor([cache.length for cache in self.caches], device=device)[:, None]
        return Step(positions, None, False, int(positions.max()) + 1, lengths=positions + 1)

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, step: Step) -> Tensor:
        """q [B,H,1,d], k, v [B,Hkv,1,d] -> [B,H,1,d]."""
        rows = zip(self.caches, q.split(1), k.split(1), v.split(1), strict=True)
        return torch.cat([cache.attend(layer, own_q, own_k, own_v, step) for cache, own_q, own_k, own_v in rows])

    def advance(self, new_tokens: int) -> None:
        """Count the appended tokens, once all layers have stored them."""
        for cache in self.caches:
            cache.advance(new_tokens)


Cache: TypeAlias = KVCache | Rows
