"""The tiles of one prompt on their way into it: encoded a few at a time, each asked for once, and let go once it was read.

tokens start...stop of the prompt -> placeholders among them -> their tiles -> encoded, or found in the cache -> [n,D]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from internvl.engine.vision_cache import VisionCache
from internvl.inputs import ModelInputs


@dataclass(frozen=True)
class Eye:
    """By what tiles are encoded, and where what was encoded is kept; `scope` says by which model."""

    encoder: Callable[[Tensor], Tensor]
    cache: VisionCache
    scope: str = ""


class Shown:
    """The tiles of one prompt. `encoded` counts those that had to be encoded for it."""

    def __init__(self, inputs: ModelInputs) -> None:
        self.encoded = 0
        self._inputs = inputs
        self._tokens: dict[int, Tensor] = {}  # tile -> [V,D]

    def prepare(self, eye: Eye, start: int, stop: int, *, limit: int | None = None) -> bool:
        """Have the tiles at tokens start...stop ready, encoding at most `limit` of them now -> whether all are."""
        wanted = [tile for tile in self._tiles(start, stop) if tile not in self._tokens]
        keys = [eye.scope + self._inputs.tile_keys[tile] for tile in wanted]
        chosen = len(wanted) if limit is None else _within(keys, eye.cache, limit)
        pixels = self._inputs.pixels
        if chosen and pixels is not None:
            before = eye.cache.encoded
            tokens = eye.cache.encode(eye.encoder, pixels[wanted[:chosen]], keys[:chosen])
            self._tokens.update(zip(wanted, tokens, strict=False))
            self.encoded += eye.cache.encoded - before
        return chosen == len(wanted)

    def take(self, start: int, stop: int) -> Tensor | None:
        """Visual tokens [n,D] of the placeholders among tokens start...stop, which were prepared; None where there are none."""
        tiles = self._tiles(start, stop)
        if not tiles:
            return None
        before, until = self._slots(start), self._slots(stop)
        tokens = torch.cat([self._tokens[tile] for tile in tiles])
        first = tiles.start * self._inputs.tokens_per_tile
        for tile in range(until // self._inputs.tokens_per_tile):
            self._tokens.pop(tile, None)
        return tokens[before - first : until - first]

    def _tiles(self, start: int, stop: int) -> range:
        if self._inputs.pixels is None:
            return range(0)
        before, until = self._slots(start), self._slots(stop)
        size = self._inputs.tokens_per_tile
        return range(before // size, -(-until // size)) if until > before else range(0)

    def _slots(self, stop: int) -> int:
        return int((self._inputs.ids[:stop] == self._inputs.placeholder_id).sum())


def _within(keys: Sequence[str], cache: VisionCache, limit: int) -> int:
    """How many of the tiles, from the first on, need at most `limit` to be encoded."""
    missing: set[str] = set()
    for number, key in enumerate(keys):
        if key not in cache:
            missing.add(key)
        if len(missing) > limit:
            return number
    return len(keys)
