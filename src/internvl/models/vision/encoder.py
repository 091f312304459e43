"""InternViT (InternVL 1.0, section 3): pixels [T,3,S,S] -> hidden states [T,1+N,D]. There is no final norm."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from internvl.models.config import VisionConfig
from internvl.models.vision.block import Block
from internvl.models.vision.embeddings import Embeddings


class VisionEncoder(nn.Module):
    """Embeddings and blocks; drop path grows linearly from 0 in the first to the configured rate in the last."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Block(config, rate) for rate in _drop_path_rates(config.drop_path_rate, config.num_layers))

    @property
    def blocks(self) -> list[Block]:
        """The layers in order."""
        return cast("list[Block]", list(self.layers))  # by place, not by class: training may wrap them

    def set_drop_path(self, rate: float, *, uniform: bool = False) -> None:
        """Drop branches with this probability in the last block, and linearly less in those before it; or in all of them alike."""
        rates = [rate] * len(self.layers) if uniform else _drop_path_rates(rate, len(self.layers))
        for block, own in zip(self.blocks, rates, strict=True):
            block.set_drop_path(own)

    def forward(self, pixels: Tensor, *, layers: int | None = None, kept: Tensor | None = None) -> Tensor:
        """The output of block number `layers` (all when None, 0 = embeddings), [T,1+N,D], class token first.

        kept: int64 [T,K], the patches that are shown, counted from 0; the others are left out and cost nothing: [T,1+K,D].
        """
        hidden: Tensor = self.embeddings(pixels, kept=kept)
        for block in self.layers if layers is None else self.layers[:layers]:
            hidden = block(hidden)
        return hidden


def _drop_path_rates(last: float, layers: int) -> list[float]:
    return torch.linspace(0, last, layers, device="cpu").tolist()
