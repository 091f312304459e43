"""RMSNorm as the family computes it: float32 inside, rounded to the input's type, then times the weight."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight over the last axis, without bias."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """[..., width] -> [..., width] in the type of x."""
        # Normalising without the weight rounds before the product, as the released code does; a fused weight rounds once
        # less and flips tokens of bf16 checkpoints.
        return F.rms_norm(x, self.weight.shape, eps=self.eps) * self.weight
