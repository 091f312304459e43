"""Visual tokens by tile content: a tile is encoded once, however often and wherever it is shown again.

Keys are hashes of a tile's final pixels and of the normalisation (`media.pixels.tile_keys`). So the tile policy is in them, equal tiles
of one picture or of several share one entry, and all tiles of one uniform colour are one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import count
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

DEFAULT_BYTES = 256 << 20
# Tiles of one call of the vision encoder: bounds memory for pictures of 40 tiles; more at once gains nothing on a CPU.
TILES_PER_CALL = 8


class VisionCache:
    """The most recently used visual tokens, up to `max_bytes`. `hits` and `encoded` count tiles."""

    def __init__(self, max_bytes: int = DEFAULT_BYTES) -> None:
        self.max_bytes = max_bytes
        self.hits = 0
        self.encoded = 0
        self._tokens: OrderedDict[str, Tensor] = OrderedDict()
        self._bytes = 0
        self._models: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()
        self._numbers = count(1)

    def scope(self, model: nn.Module) -> str:
        """What stands before the keys of a model, so that one cache may serve several."""
        if model not in self._models:
            self._models[model] = f"{next(self._numbers)}/"
        return self._models[model]

    def __contains__(self, key: str) -> bool:
        return key in self._tokens

    def encode(self, encoder: Callable[[Tensor], Tensor], pixels: Tensor, keys: Sequence[str]) -> Tensor:
        """Tiles [T,3,S,S] with their content keys -> visual tokens [T,V,D] by `encoder`; equal keys are encoded once."""
        known = {key: self._tokens[key] for key in keys if key in self._tokens}
        first = {key: i for i, key in reversed(list(enumerate(keys))) if key not in known}
        missing = sorted(first.values())
        for start in range(0, len(missing), TILES_PER_CALL):
            chosen = missing[start : start + TILES_PER_CALL]
            for i, tokens in zip(chosen, encoder(pixels[chosen]), strict=True):
                known[keys[i]] = tokens
        self.hits += len(keys) - len(missing)
        self.encoded += len(missing)
        for key in keys:
            self._remember(key, known[key])
        return torch.stack([known[key] for key in keys])

    def _remember(self, key: str, tokens: Tensor) -> None:
        if key not in self._tokens:
            self._tokens[key] = tokens.clone()
            self._bytes += tokens.numel() * tokens.element_size()
        self._tokens.move_to_end(key)
        while self._bytes > self.max_bytes and len(self._tokens) > 1:
            _, oldest = self._tokens.popitem(last=False)
            self._bytes -= oldest.numel() * oldest.element_size()
