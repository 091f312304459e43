"""How an engine computes: the one place that knows by which means a model is run.

    pixels [T,3,S,S] --encode--> visual tokens [T,V,D]
    ids [1,L], visual tokens --read--> keys and values into a cache, logits [vocabulary] after the last token
    next tokens of some sequences --decode--> keys and values into their caches, logits [n,vocabulary] after each token

A runner keeps nothing between calls: what was read is in the caches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from internvl.engine.graphs import graph_runner
from internvl.engine.native import native_runner
from internvl.models.internvl import InternVL
from internvl.models.language.cache import KVCache
from internvl.models.language.rows import Rows


class Runner(Protocol):
    """What an engine needs of a model."""

    def encode(self, pixels: Tensor) -> Tensor:
        """Normalised pixels [T,3,S,S] -> visual tokens [T,V,D]."""

    def read(self, ids: Tensor, visual: Tensor | None, *, placeholder_id: int, cache: KVCache, total: int) -> Tensor:
        """Append ids [1,L] to a cache of one sequence -> logits [vocabulary] after the last of them.

        visual: [n,D], one for each placeholder among ids. total: length of the whole prompt, which selects its rotary angles.
        """

    def decode(self, tokens: Sequence[Sequence[int]], caches: Sequence[KVCache]) -> Tensor:
        """Append to each cache its tokens (one or more) -> logits [n,vocabulary] after each of all n tokens, in order."""


class TorchRunner:
    """Runs a model by its own modules."""

    def __init__(self, model: InternVL) -> None:
        self.model = model

    def encode(self, pixels: Tensor) -> Tensor:
        """Normalised pixels [T,3,S,S] -> visual tokens [T,V,D]."""
        return self.model.encode_tiles(pixels)

    def read(self, ids: Tensor, visual: Tensor | None, *, placeholder_id: int, cache: KVCache, total: int) -> Tensor:
        """Append ids [1,L] to a cache -> logits [vocabulary] after the last of them."""
        step = replace(cache.plan(ids.shape[1], self.model.language_model.embedding.weight.device), total=total)
        logits: Tensor = self.model(ids, visual, placeholder_id=placeholder_id, cache=cache, step=step, last_only=True)
        return logits[0, -1]

    def decode(self, tokens: Sequence[Sequence[int]], caches: Sequence[KVCache]) -> Tensor:
        """Append to each cache its tokens -> logits [n,vocabulary] after each of all n tokens."""
        alone = len(caches) == 1 and len(tokens[0]) == 1
        cache = caches[0] if alone else Rows(caches, [len(row) for row in tokens])
        logits: Tensor = self.model(torch.tensor([[token for row in tokens for token in row]]), cache=cache)
        return logits[0]


def make_runner(model: InternVL) -> Runner:
    """The fastest runner there is for a model, where it lies."""
    modules = TorchRunner(model)
    return graph_runner(model, modules) or native_runner(model, modules) or modules
