"""One vector for many: attention whose only query is their mean, x [B,N,C] -> [B,D]. Nothing is added to its result."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from internvl.models.attention import attend
from internvl.models.linear import Linear

NORM_EPS = 1e-5


class AttentionPool(nn.Module):
    """Query, key and value are normalised apart; positions play no part."""

    def __init__(self, width: int, out: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_q, self.norm_k, self.norm_v = (nn.LayerNorm(width, eps=NORM_EPS) for _ in range(3))
        self.q, self.k, self.v = (Linear(width, width) for _ in range(3))
        self.out = Linear(width, out)

    def forward(self, x: Tensor) -> Tensor:
        """[B,N,C] -> [B,D]; the class token counts as one of N."""
        mean = x.mean(1, keepdim=True)
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.q(self.norm_q(mean)), self.k(self.norm_k(x)), self.v(self.norm_v(x)))
        )  # B,H,n,d
        pooled: Tensor = self.out(attend(q, k, v).transpose(1, 2).flatten(2))
        return torch.squeeze(pooled, 1)
