"""InternViT (InternVL 1.0, section 3): pixels [T,3,S,S] -> hidden states [T,1+N,D]. There is no final norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from internvl.models.config import VisionConfig
from internvl.models.vision.block import Block
from internvl.models.vision.embeddings import Embeddings


class VisionEncoder(nn.Module):
    """Embeddings and blocks; drop path grows linearly from 0 in the first to the configured rate in the last."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        rates = torch.linspace(0, config.drop_path_rate, config.num_layers, device="cpu").tolist()
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Block(config, rate) for rate in rates)

    @property
    def blocks(self) -> list[Block]:
        """The layers in order."""
        return [layer for layer in self.layers if isinstance(layer, Block)]

    def forward(self, pixels: Tensor, *, layers: int | None = None) -> Tensor:
        """The output of block number `layers` (all when None, 0 = embeddings), [T,1+N,D], class token first."""
        hidden: Tensor = self.embeddings(pixels)
        for block in self.layers if layers is None else self.layers[:layers]:
            hidden = block(hidden)
        return hidden
