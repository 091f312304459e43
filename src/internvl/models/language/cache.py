"""Keys and values of what was already read: [B,Hkv,capacity,d] a layer, each row with a length of its own.

    one sequence:   prefill -> append 1 token at a time -> truncate when a session rewinds
    beams:          prefill once, `select` the row as often as wanted, then append one token to every row
    a batch:        a cache for each member (`models.language.rows`)

Rows are stored left-aligned: where lengths differ there is no padding inside a row, so each row's positions are those it would
have alone. A sequence lies in one piece, not in pages: attention kernels read it as it lies, while gathering pages costs on every
token (measured for 3394 tokens of a 1B model in bfloat16, 42 MB: 6.7 ms a token in torch), and what pages spare, the copy of a
shared prefix, costs 8 ms once, against seconds for reading it. Storage that is used again gained little (2 ms of those 8). So it
is planned (`foresee`), counted (`capacity_for`) and given back at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from internvl.models.attention import Packed, attend

# Room beyond what is needed now, at least this many tokens and an eighth: copies while an answer grows stay rare, unused memory small.
GROWTH_TOKENS = 256


@dataclass(frozen=True)
class Step:
    """How one call of the decoder sees the cache: positions [B,L], what may be looked at, and the longest sequence after it.

    In training, rows may hold several sequences: `packed` says where, and `lengths` [B,L] how long the sequence of each token is.
    context: [B,N,C], what layers with a cross attention look at (QLLaMA).
    """

    positions: Tensor
    mask: Tensor | None  # [B or 1,1,L,total] true where a query may look; None: everything, or causal
    causal: bool
    total: int
    lengths: Tensor | None = None
    packed: Packed | None = None
    context: Tensor | None = None

    def to(self, device: torch.device) -> Step:
        """The same on a device."""
        mask, lengths, context = (None if part is None else part.to(device) for part in (self.mask, self.lengths, self.context))
        packed = None if self.packed is None else self.packed.to(device)
        return Step(self.positions.to(device), mask, self.causal, self.total, lengths, packed, context)


class KVCache:
    """Grows by blocks; reading returns views, so nothing is copied while a single sequence decodes."""

    def __init__(self, layers: int, lengths: Sequence[int] = (0,)) -> None:
        self.keys: list[Tensor | None] = [None] * layers
        self.values: list[Tensor | None] = [None] * layers
        self.lengths = list(lengths)
        self._soon = self._most = 0

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

    @property
    def capacity(self) -> int:
        """Tokens for which each row has storage."""
        return max((keys.shape[2] for keys in self.keys if keys is not None), default=0)

    def foresee(self, *, soon: int, most: int) -> None:
        """Say how many tokens will be stored before long, and how many at the very most (0: nobody knows); storage is made for it."""
        self._soon, self._most = soon, most

    def capacity_for(self, total: int) -> int:
        """What `capacity` will be once `total` tokens are stored."""
        if total <= self.capacity:
            return self.capacity
        wanted = max(total, self._soon)
        grown = wanted + max(GROWTH_TOKENS, wanted // 8)
        return max(total, min(grown, self._most or grown))

    def reserve(self, new_tokens: int, like: Tensor) -> None:
        """Make room for that many more tokens in every layer: `keys` and `values` are then [B,Hkv,capacity,d] each, contiguous.

        like: any tensor [B,Hkv,*,d] of the type and on the device of the keys. What is stored keeps its place; references to older
        storage are void. For layers that all lie on one device.
        """
        total = self.length + new_tokens
        for layer in range(len(self.keys)):
            self._room(self.keys, layer, like, total)
            self._room(self.values, layer, like, total)

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

    def wipe(self) -> None:
        """Zeros behind the end of every row: what is masked there may be multiplied by zero, which an infinite number survives."""
        for row, length in enumerate(self.lengths):
            for stored in (*self.keys, *self.values):
                if stored is not None:
                    stored[row, :, length:] = 0

    def select(self, rows: Sequence[int]) -> KVCache:
        """A new cache of these rows, in this order, repeats allowed."""
        chosen = KVCache(len(self.keys), [self.lengths[row] for row in rows])
        index = torch.tensor(list(rows))
        for layer, (keys, values) in enumerate(zip(self.keys, self.values, strict=True)):
            if keys is not None and values is not None:
                chosen.keys[layer] = keys.index_select(0, index.to(keys.device))
                chosen.values[layer] = values.index_select(0, index.to(values.device))
        return chosen

    def copy(self, tokens: int, *, soon: int = 0, most: int = 0) -> KVCache:
        """A new cache of the first `tokens` tokens, with storage for what is foreseen; this one stays as it is."""
        copied = KVCache(len(self.keys), [min(tokens, length) for length in self.lengths])
        copied.foresee(soon=soon, most=most)
        capacity = max(copied.length, copied.capacity_for(copied.length) if most else 0)
        copied.keys = [None if keys is None else _cut(keys, copied.length, capacity) for keys in self.keys]
        copied.values = [None if values is None else _cut(values, copied.length, capacity) for values in self.values]
        return copied

    def trim(self) -> None:
        """Give storage back that is not used, where it is more than half of all."""
        if self.capacity > 2 * self.length:
            self.keys = [None if keys is None else _cut(keys, self.length, self.length) for keys in self.keys]
            self.values = [None if values is None else _cut(values, self.length, self.length) for values in self.values]

    def _room(self, store: list[Tensor | None], layer: int, like: Tensor, total: int) -> Tensor:
        old = store[layer]
        if old is not None and old.shape[2] >= total:
            return old
        # Asked of this layer's own storage: others may have grown already.
        capacity = self.capacity if self.capacity >= total else self.capacity_for(total)
        grown = like.new_zeros((like.shape[0], like.shape[1], capacity, like.shape[3]))
        if old is not None:
            grown[:, :, : self.length] = old[:, :, : self.length]
        store[layer] = grown
        return grown


def _cut(stored: Tensor, tokens: int, capacity: int) -> Tensor:
    """A copy of the first tokens of [B,Hkv,*,d] with storage for more."""
    batch, heads, _, width = stored.shape
    cut = stored.new_zeros((batch, heads, capacity, width))
    cut[:, :, :tokens] = stored[:, :, :tokens]
    return cut
