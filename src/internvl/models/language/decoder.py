"""The language model: embeddings [B,L,D] -> hidden states [B,L,D] -> logits [B,L,vocabulary].

It takes embeddings, not ids, because visual tokens already stand among them (`models.fusion`). Layers may lie on several devices:
hidden states follow them.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from internvl.models.config import LanguageConfig
from internvl.models.language.block import Block
from internvl.models.language.cache import KVCache, Step
from internvl.models.language.rope import Rotary
from internvl.models.language.rows import Cache
from internvl.models.linear import Linear, linear
from internvl.models.norm import RMSNorm


class Decoder(nn.Module):
    """Token embedding, blocks, final norm, and the output head (the embedding itself when tied)."""

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.config = config
        # Without random numbers, which loading and training overwrite anyway: on the meta device, drawing them makes torch import
        # its compiler, which takes longer than loading a small model.
        self.embedding = nn.Embedding.from_pretrained(torch.empty(config.vocab_size, config.hidden_size), freeze=False)
        self.layers = nn.ModuleList(Block(config, index) for index in range(config.num_layers))
        self.norm = RMSNorm(config.hidden_size, config.norm_eps)
        self.head = None if config.tie_embeddings else Linear(config.hidden_size, config.vocab_size, bias=False)
        self.rotary = Rotary(config)

    def forward(self, embeddings: Tensor, *, cache: Cache | None = None, step: Step | None = None) -> Tensor:
        """[B,L,D] -> [B,L,D] after the final norm.

        Without a cache the whole sequence is read causally. With one, the tokens are appended to it. `step` replaces the
        positions and the mask that follow from these (packed training).
        """
        if step is None:
            fresh = KVCache(0, [0] * embeddings.shape[0])
            step = (fresh if cache is None else cache).plan(embeddings.shape[1], embeddings.device)
        angles = self.rotary(step.positions, step.total, embeddings.dtype, step.lengths)
        hidden = embeddings
        for block in self.blocks:
            device = block.norm1.weight.device
            if hidden.device != device:
                hidden, angles, step = (
                    hidden.to(device),
                    (angles[0].to(device), angles[1].to(device)),
                    step.to(device),
                )
            hidden = block(hidden, angles, step, cache)
        if cache is not None:
            cache.advance(embeddings.shape[1])
        return self.norm(hidden.to(self.norm.weight.device))

    @property
    def blocks(self) -> list[Block]:
        """The layers in order."""
        return cast("list[Block]", list(self.layers))  # by place, not by class: training may wrap them

    def logits(self, hidden: Tensor) -> Tensor:
        """[B,L,D] -> [B,L,vocabulary]."""
        weight = self.embedding.weight if self.head is None else self.head.weight
        # In rows: given one position cut out of a longer sequence, torch would copy the whole weight to multiply in three axes.
        rows = hidden.to(weight.device).flatten(0, -2)
        logits: Tensor = linear(rows, weight) if self.head is None else self.head(rows)
        return logits.unflatten(0, hidden.shape[:-1])
