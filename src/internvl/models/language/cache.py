"""Keys and values of what was already read: [B,Hkv,capacity,d] a layer, each row with a length of its own.

    one sequence:   prefill -> append 1 token at a time -> truncate when a session rewinds
    beams:          prefill once, `select` the row as often as wanted, then append one token to every row
    a batch:        a cache for each member (`models.language.rows`)

Rows are stored left-aligned: where lengths differ there is no padding inside a row, so each row's positions are those it would
have alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from internvl.models.attention import Packed, attend

GROWTH_TOKENS = 256


@dataclass(frozen=True)
class Step:
    """How one call of the decoder sees the cache: positions [B,L], what may be looked at, and the longest sequence after it.

    In training, rows may hold several sequences: `packed` says where, and `lengths` [B,L] how long the sequence of each token is.
    """

    positions: Tensor
    mask: Tensor | None  # [B or 1,1,L,total] true where a query may look; None: everything, or causal
    causal: bool
    total: int
    lengths: Tensor | None = None
    packed: Packed | None = None

    def to(self, device: torch.device) -> Step:
        """The same on a device."""
        mask, lengths = (None if part is None else part.to(device) for part in (self.mask, self.lengths))
        packed = None if self.packed is None else self.packed.to(device)
        return Step(self.positions.to(device), mask, self.causal, self.total, lengths, packed)


class KVCache:
    """Grows by blocks; reading returns views, so nothing is copied while a single sequence decodes."""

    def __init__(self, layers: int, lengths: Sequence[int] = (0,)) -> None:
        self.keys: list[Tensor | None] = [None] * layers
        self.values: list[Tensor | None] = [None] * layers
        self.lengths = list(lengths)

    @property
    def length(self) -> int:
        """Tokens of the longest row."""
        return max(self.lengths)

    @property
    def rows(self) -> int:
        """How many sequences."""
        return len(self.lengths)

    @property
    def bytes(self) -> int:
        """Memory held, in bytes."""
        return sum(t.numel() * t.element_size() for t in (*self.keys, *self.values) if t is not None)

    def plan(self, new_tokens: int, device: torch.device) -> Step:
        """What a call that appends `new_tokens` to every row sees."""
        starts = torch.tensor(self.lengths, device=device)
        positions = starts[:, None] + torch.arange(new_tokens, device=device)
        total = self.length + new_tokens
        if total == new_tokens:
            return Step(positions, None, new_tokens > 1, total)
        if len(set(self.lengths)) == 1 and new_tokens == 1:
            return Step(positions, None, False, total)
        slots = torch.arange(total, device=device)
        return Step(positions, (slots <= positions[:, :, None])[:, None], False, total)

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store [B,Hkv,L,d] behind each row's end and return all keys and values up to the longest row, [B,Hkv,total,d]."""
        new_tokens = keys.shape[2]
        total = self.length + new_tokens
        stored_keys = self._room(self.keys, layer, keys, total)
        stored_values = self._room(self.values, layer, values, total)
        if len(set(self.lengths)) == 1:
            start = self.lengths[0]
            stored_keys[:, :, start:total] = keys
            stored_values[:, :, start:total] = values
        else:
            for row, start in enumerate(self.lengths):
                stored_keys[row, :, start : start + new_tokens] = keys[row]
                stored_values[row, :, start : start + new_tokens] = values[row]
        return stored_keys[:, :, :total], stored_values[:, :, :total]

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, step: Step) -> Tensor:
        """Store k, v [B,Hkv,L,d] and look from q [B,H,L,d] at all that is stored, as `step` allows -> [B,H,L,d]."""
        keys, values = self.append(layer, k, v)
        return attend(q, keys, values, mask=step.mask, causal=step.causal)

    def advance(self, new_tokens: int) -> None:
        """Count the appended tokens, once all layers have stored them."""
        self.lengths = [length + new_tokens for length in self.lengths]

    def truncate(self, length: int) -> None:
        """Forget everything behind the first `length` tokens of every row."""
        self.lengths = [min(length, old) for old in self.lengths]

    def select(self, rows: Sequence[int]) -> KVCache:
        """A new cache of these rows, in this order, repeats allowed."""
        chosen = KVCache(len(self.keys), [self.lengths[row] for row in rows])
        index = torch.tensor(list(rows))
        for layer, (keys, values) in enumerate(zip(self.keys, self.values, strict=True)):
            if keys is not None and values is not None:
                chosen.keys[layer] = keys.index_select(0, index.to(keys.device))
                chosen.values[layer] = values.index_select(0, index.to(values.device))
        return chosen

    def copy(self, tokens: int) -> KVCache:
        """A new cache of the first `tokens` tokens; this one stays as it is."""
        copied = KVCache(len(self.keys), [min(tokens, length) for length in self.lengths])
        copied.keys = [None if keys is None else keys[:, :, :tokens].clone() for keys in self.keys]
        copied.values = [None if values is None else values[:, :, :tokens].clone() for values in self.values]
        return copied

    def _room(self, store: list[Tensor | None], layer: int, like: Tensor, total: int) -> Tensor:
        old = store[layer]
        if old is not None and old.shape[2] >= total:
            return old
        # Doubling keeps the number of copies of a long answer logarithmic; the block keeps short ones from growing each token.
        capacity = max(total + GROWTH_TOKENS, 0 if old is None else min(2 * old.shape[2], total + 16 * GROWTH_TOKENS))
        grown = like.new_zeros((like.shape[0], like.shape[1], capacity, like.shape[3]))
        if old is not None:
            grown[:, :, : self.length] = old[:, :, : self.length]
        store[layer] = grown
        return grown
