"""One block of memory for the keys and values of several sequences, at addresses that never change: what a CUDA graph needs.

    KVCache --place--> a slot of [slots,Hkv,tokens+1,d] a layer; the cache goes on looking at its part as its own
    SlotRows: one new token for each of the first n slots, written and looked at by tensors alone, so that a graph can be played again

A cache that grows, shrinks or ends needs no word to the block: where it lies is looked up when it is used.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import torch
from torch import Tensor

from internvl.models.attention import attend
from internvl.models.language.cache import KVCache, Step


class Slots:
    """Storage for `count` sequences of at most `tokens` tokens. like: a key tensor [1,Hkv,*,d] of the model."""

    def __init__(self, layers: int, count: int, tokens: int, like: Tensor) -> None:
        self.count, self.tokens = count, tokens
        # One place more than may be seen: rows that take no part in a step write there.
        shape = (count, like.shape[1], tokens + 1, like.shape[3])
        self.keys = [like.new_zeros(shape) for _ in range(layers)]
        self.values = [like.new_zeros(shape) for _ in range(layers)]
        self._owners: list[weakref.ref[KVCache] | None] = [None] * count
        self._used = [0] * count  # when last
        self._clock = 0

    def place(self, caches: Sequence[KVCache]) -> list[int]:
        """The slots of these caches of one sequence, with room for one more token in each. Others give theirs up for them.

        caches: at most `count`.
        """
        self._clock += 1
        slots = [self._slot_of(cache) for cache in caches]
        for slot in slots:
            if slot is not None:
                self._used[slot] = self._clock
        found = [self._adopt(cache) if slot is None else slot for cache, slot in zip(caches, slots, strict=True)]
        for cache, slot in zip(caches, found, strict=True):
            if cache.capacity <= cache.length:
                self._show(cache, slot, cache.capacity_for(cache.length + 1))
        return found

    def _slot_of(self, cache: KVCache) -> int | None:
        for slot in range(self.count):
            if self._owner(slot) is cache:
                return slot
        return None

    def _owner(self, slot: int) -> KVCache | None:
        """Who lies in a slot: nobody once its cache is gone or has moved to storage of its own."""
        reference = self._owners[slot]
        cache = None if reference is None else reference()
        keys = None if cache is None else cache.keys[0]
        return cache if keys is not None and keys.data_ptr() == self.keys[0][slot].data_ptr() else None

    def _adopt(self, cache: KVCache) -> int:
        slot = self._free()
        self._move_out(slot)
        for mine, theirs in ((self.keys, cache.keys), (self.values, cache.values)):
            for block, stored in zip(mine, theirs, strict=True):
                # Also what is masked is multiplied, by zero: no infinite number of an earlier owner may stand there.
                block[slot] = 0
                if stored is not None:
                    block[slot, :, : cache.length] = stored[0, :, : cache.length]
        self._owners[slot], self._used[slot] = weakref.ref(cache), self._clock
        self._show(cache, slot, cache.capacity)
        return slot

    def _free(self) -> int:
        """The lowest slot that took no part in the last step, so that few rows are enough; else the one unused for longest."""
        idle = [slot for slot in range(self.count) if self._owner(slot) is None or self._used[slot] < self._clock - 1]
        return min(idle) if idle else min(range(self.count), key=lambda slot: self._used[slot])

    def clear(self) -> None:
        """Everybody moves to storage of their own, so that this one can go."""
        for slot in range(self.count):
            self._move_out(slot)

    def _move_out(self, slot: int) -> None:
        if (cache := self._owner(slot)) is not None:
            cache.keys = [None if keys is None else keys.clone() for keys in cache.keys]
            cache.values = [None if values is None else values.clone() for values in cache.values]
        self._owners[slot] = None

    def _show(self, cache: KVCache, slot: int, capacity: int) -> None:
        """Let a cache see the first tokens of its slot as its own storage."""
        capacity = min(capacity, self.tokens)
        cache.keys = [block[slot : slot + 1, :, :capacity] for block in self.keys]
        cache.values = [block[slot : slot + 1, :, :capacity] for block in self.values]


class SlotRows:
    """One new token for each of the first `rows` slots. positions: int64 [slots], on the device; the last place is for who has none.

    seen: how many tokens are looked at, at least one more than every position; those behind a row's position are masked.
    """

    def __init__(self, slots: Slots, rows: int, seen: int, positions: Tensor) -> None:
        self.slots, self.rows, self.seen = slots, rows, seen
        self.positions = positions[:rows]
        self._row = torch.arange(rows, device=positions.device)

    def plan(self, new_tokens: int, device: torch.device) -> Step:
        """What the rows may look at: up to themselves. For lengths at which rotary positions are not scaled by length."""
        del new_tokens
        places = torch.arange(self.seen, device=device)
        mask = places <= self.positions[:, None]
        return Step(self.positions[:, None], mask[:, None, None], False, self.seen)

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, step: Step) -> Tensor:
        """q [rows,H,1,d], k, v [rows,Hkv,1,d] -> [rows,H,1,d]."""
        keys, values = self.slots.keys[layer][: self.rows], self.slots.values[layer][: self.rows]
        keys[self._row, :, self.positions] = k[:, :, 0].to(keys.dtype)
        values[self._row, :, self.positions] = v[:, :, 0].to(values.dtype)
        return attend(q, keys[:, :, : self.seen], values[:, :, : self.seen], mask=step.mask)

    def advance(self, new_tokens: int) -> None:
        """Nothing: lengths are the caches' own."""
        del new_tokens
