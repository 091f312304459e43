"""How queries look at a picture: the first positions of a sequence attend to the vision encoder's tokens, the others pass by.

hidden [B,L,D], vision [B,N,C] -> hidden [B,L,D], changed at positions 0...queries - 1
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from internvl.models.attention import attend
from internvl.models.contrastive.config import DualConfig
from internvl.models.linear import Linear
from internvl.models.norm import RMSNorm


class CrossAttention(nn.Module):
    """Pre-norm on both sides, as many heads as the layer it stands in, no rotary positions and no mask."""

    def __init__(self, config: DualConfig) -> None:
        super().__init__()
        width, seen, eps = config.language.hidden_size, config.vision.hidden_size, config.language.norm_eps
        self.queries, self.heads = config.queries, config.language.num_heads
        self.norm1, self.norm2 = RMSNorm(width, eps), RMSNorm(seen, eps)
        self.q = Linear(width, width, bias=False)
        self.k, self.v = (Linear(seen, width, bias=False) for _ in range(2))
        self.out = Linear(width, width, bias=False)

    def forward(self, hidden: Tensor, vision: Tensor) -> Tensor:
        """[B,L,D] with L >= queries, and [B,N,C] -> [B,L,D]."""
        looking, others = hidden.split([self.queries, hidden.shape[1] - self.queries], dim=1)
        vision = self.norm2(vision)
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.q(self.norm1(looking)), self.k(vision), self.v(vision))
        )  # B,H,n,d
        seen = self.out(attend(q, k, v).transpose(1, 2).flatten(2))
        return torch.cat([looking + seen, others], dim=1)
