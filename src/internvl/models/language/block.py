"""One layer of the decoder: x + attention(norm(x)), then x + swiglu(norm(x)).

Query, key and value are one linear layer (rows Q, K, V), gate and up another: two calls instead of five. The checkpoint
code splits and joins them for layouts that store them apart or packed.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from internvl.models.attention import attend
from internvl.models.config import LanguageConfig
from internvl.models.language.cache import Step
from internvl.models.language.rope import rotate
from internvl.models.language.rows import Cache
from internvl.models.linear import Linear
from internvl.models.norm import RMSNorm
from internvl.models.recompute import recomputes


class Block(nn.Module):
    """Pre-norm grouped-query attention and SwiGLU. With `checkpointing`, training keeps its input only and computes the rest again."""

    def __init__(self, config: LanguageConfig, index: int) -> None:
        super().__init__()
        self.norm1 = RMSNorm(config.hidden_size, config.norm_eps)
        self.attention = Attention(config, index)
        self.norm2 = RMSNorm(config.hidden_size, config.norm_eps)
        self.mlp = Mlp(config)
        self.cross: nn.Module | None = None  # QLLaMA's layers put one here: (x, context) -> x
        self.checkpointing = False

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor], step: Step, cache: Cache | None) -> Tensor:
        """[B,L,D] -> [B,L,D]; new keys and values go into the cache."""
        if cache is None and recomputes(self, x, wanted=self.checkpointing):
            # Inside the block, so that a block that is sharded (FSDP2) or compiled as a whole stays one.
            return checkpoint(self._layer, x, angles, step, None, use_reentrant=False)
        return self._layer(x, angles, step, cache)

    def _layer(self, x: Tensor, angles: tuple[Tensor, Tensor], step: Step, cache: Cache | None) -> Tensor:
        x = x + self.attention(self.norm1(x), angles, step, cache)
        if self.cross is not None and step.context is not None:
            x = self.cross(x, step.context)
        return x + self.mlp(self.norm2(x))


class Attention(nn.Module):
    """Grouped-query attention with rotary positions; Qwen3 also normalises each head's query and key."""

    def __init__(self, config: LanguageConfig, index: int) -> None:
        super().__init__()
        self.index = index
        self.head_dim = config.head_dim
        self.widths = (config.attention_width, config.kv_width, config.kv_width)
        self.qkv = Linear(config.hidden_size, sum(self.widths), bias=config.qkv_bias)
        self.q_norm = RMSNorm(config.head_dim, config.norm_eps) if config.qk_norm else None
        self.k_norm = RMSNorm(config.head_dim, config.norm_eps) if config.qk_norm else None
        self.out = Linear(config.attention_width, config.hidden_size, bias=config.out_bias)

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor], step: Step, cache: Cache | None) -> Tensor:
        """[B,L,D] -> [B,L,D]."""
        batch, length, _ = x.shape
        q, k, v = (part.view(batch, length, -1, self.head_dim) for part in self.qkv(x).split(self.widths, dim=-1))
        if self.q_norm is not None and self.k_norm is not None:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k, v = rotate(q.transpose(1, 2), *angles), rotate(k.transpose(1, 2), *angles), v.transpose(1, 2)  # B,H,L,d
        if cache is None:
            seen = attend(q, k, v, mask=step.mask, causal=step.causal, packed=step.packed)
        else:
            seen = cache.attend(self.index, q, k, v, step)
        return self.out(seen.transpose(1, 2).reshape(batch, length, -1))


class Mlp(nn.Module):
    """down(silu(gate(x)) * up(x)), gate and up in one matrix (gate first)."""

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.gate_up = Linear(config.hidden_size, 2 * config.intermediate_size, bias=config.mlp_bias)
        self.down = Linear(config.intermediate_size, config.hidden_size, bias=config.mlp_bias)
        self.activation = F.silu if config.hidden_act == "silu" else F.gelu

    def forward(self, x: Tensor) -> Tensor:
        """[B,L,D] -> [B,L,D]."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return self.down(self.activation(gate) * up)
