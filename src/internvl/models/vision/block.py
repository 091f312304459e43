"""One layer of InternViT: x + s1 * attention(norm(x)), then x + s2 * mlp(norm(x)), with stochastic depth while training.

qk-norm runs over the whole width, before the heads are split: one weight of length D, not one a head.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from internvl.models.attention import attend
from internvl.models.config import VisionConfig
from internvl.models.linear import Linear
from internvl.models.norm import RMSNorm
from internvl.models.recompute import recomputes


class Block(nn.Module):
    """Pre-norm attention and MLP, each scaled per channel. `checkpointing` as in the decoder's block."""

    def __init__(self, config: VisionConfig, drop_path: float) -> None:
        super().__init__()
        self.norm1 = make_norm(config)
        self.attention = Attention(config)
        self.norm2 = make_norm(config)
        self.mlp = Mlp(config)
        self.scale1 = nn.Parameter(torch.full((config.hidden_size,), config.layer_scale_init))
        self.scale2 = nn.Parameter(torch.full((config.hidden_size,), config.layer_scale_init))
        self.set_drop_path(drop_path)
        self.checkpointing = False

    def forward(self, x: Tensor) -> Tensor:
        """[T,N,D] -> [T,N,D]."""
        if recomputes(self, x, wanted=self.checkpointing):
            return checkpoint(self._layer, x, use_reentrant=False)  # the same branches drop out when computed again
        return self._layer(x)

    def _layer(self, x: Tensor) -> Tensor:
        x = x + self._drop(self.attention(self.norm1(x)) * self.scale1)
        return x + self._drop(self.mlp(self.norm2(x)) * self.scale2)

    def set_drop_path(self, rate: float) -> None:
        """While training, a tile's whole branch falls out with probability `rate` (stochastic depth)."""
        self.drop_path = rate
        self._drops = rate > 0.0
        # A tensor, because torch.compile would compile a block anew for every number; on the CPU, which mixes with any device.
        self._keep = torch.tensor(1.0 - rate, device="cpu")

    def _drop(self, branch: Tensor) -> Tensor:
        if not self.training or not self._drops:
            return branch
        alive = torch.rand(branch.shape[0], 1, 1, device=branch.device) < self._keep
        return branch * alive.to(branch.dtype) / self._keep  # scaled up, so that the mean stays


class Attention(nn.Module):
    """Every token looks at every token of its tile."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_heads
        self.qkv = Linear(width, 3 * width, bias=config.qkv_bias)
        self.q_norm = RMSNorm(width, config.norm_eps) if config.qk_norm else None
        self.k_norm = RMSNorm(width, config.norm_eps) if config.qk_norm else None
        self.out = Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[T,N,D] -> [T,N,D]."""
        tiles, tokens, width = x.shape
        q, k, v = self.qkv(x).split(width, dim=-1)  # T,N,D each
        if self.q_norm is not None and self.k_norm is not None:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k, v = (part.view(tiles, tokens, self.heads, -1).transpose(1, 2) for part in (q, k, v))  # T,H,N,d
        return self.out(attend(q, k, v).transpose(1, 2).reshape(tiles, tokens, width))


class Mlp(nn.Module):
    """Two linear layers around an activation."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.up = Linear(config.hidden_size, config.intermediate_size)
        self.down = Linear(config.intermediate_size, config.hidden_size)
        self.activation = F.gelu if config.hidden_act == "gelu" else F.silu

    def forward(self, x: Tensor) -> Tensor:
        """[T,N,D] -> [T,N,D]."""
        return self.down(self.activation(self.up(x)))


def make_norm(config: VisionConfig) -> nn.Module:
    """The norm of the encoder's kind."""
    if config.norm == "rms_norm":
        return RMSNorm(config.hidden_size, config.norm_eps)
    return nn.LayerNorm(config.hidden_size, eps=config.norm_eps)
