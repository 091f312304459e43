"""Probes of a frozen encoder (InternVL 1.0, appendix; the original's classification code).

linear     class token beside mean of patches [n, 2D] -> BatchNorm -> Linear -> logits [n, classes]
attentive  all tokens [n, 1 + N, D] -> attention whose query is their mean -> [n, 768] -> BatchNorm -> Linear -> logits [n, classes]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from internvl.models.contrastive.attention_pool import AttentionPool


@dataclass(frozen=True, kw_only=True)
class ProbeRecipe:
    """The published recipe. The rate is `base_lr` for each `lr_batch` pictures of a batch; 1,024 = 8 GPUs x 128."""

    epochs: int = 10
    warmup_epochs: int = 1
    batch_size: int = 1024
    base_lr: float = 0.1
    lr_batch: int = 512
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 0.0
    norm_eps: float = 1e-6
    init_std: float = 0.01
    seed: int = 0

    def sized(self, pictures: int) -> tuple[int, int]:
        """(batch size, steps of an epoch): a data set smaller than a batch is one batch."""
        batch = min(self.batch_size, pictures)
        return batch, max(1, pictures // batch)

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """Factor of a step's rate: linear from 0 through the warm-up, then the cosine of the whole run."""
        warmup, total = self.warmup_epochs * steps_per_epoch, self.epochs * steps_per_epoch
        return step / warmup if step < warmup else 0.5 * (1 + math.cos(math.pi * step / total))


class ProbeHead(nn.Module):
    """Weights from a normal distribution of `init_std`, bias 0. One process; for several, convert its norm to SyncBatchNorm."""

    def __init__(self, width: int, classes: int, recipe: ProbeRecipe) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width, eps=recipe.norm_eps)
        self.linear = nn.Linear(width, classes)
        generator = torch.Generator().manual_seed(recipe.seed)
        with torch.no_grad():
            self.linear.weight.normal_(0.0, recipe.init_std, generator=generator)
            self.linear.bias.zero_()

    def forward(self, features: Tensor) -> Tensor:
        """[n, width] -> [n, classes]."""
        logits: Tensor = self.linear(self.norm(features))
        return logits


@dataclass(frozen=True, kw_only=True)
class AttentiveRecipe(ProbeRecipe):
    """The same, with the pool of InternVL-C: `heads` of it (as many as divide the encoder's width, at most), `pooled` numbers out."""

    heads: int = 16
    pooled: int = 768
    pool_std: float = 0.02


class AttentiveHead(nn.Module):
    """An AttentionPool and a ProbeHead on what it gives."""

    def __init__(self, width: int, classes: int, recipe: AttentiveRecipe) -> None:
        super().__init__()
        self.pool = AttentionPool(width, recipe.pooled, math.gcd(recipe.heads, width))
        self.probe = ProbeHead(recipe.pooled, classes, recipe)
        generator = torch.Generator().manual_seed(recipe.seed + 1)
        with torch.no_grad():
            for module in (self.pool.q, self.pool.k, self.pool.v, self.pool.out):
                module.weight.normal_(0.0, recipe.pool_std, generator=generator)
                module.bias.zero_()

    def forward(self, tokens: Tensor) -> Tensor:
        """[n, 1 + N, width] -> [n, classes]."""
        logits: Tensor = self.probe(self.pool(tokens))
        return logits


Classify = Callable[[Tensor], Tensor]
"""Stored features [n, F] -> logits [n, classes]."""


def probe_optimizer(head: nn.Module, recipe: ProbeRecipe, batch_size: int) -> torch.optim.Optimizer:
    """SGD with momentum at a rate that grows with the batch."""
    rate = recipe.base_lr * batch_size / recipe.lr_batch
    group = {"params": list(head.parameters()), "base_lr": rate}
    return torch.optim.SGD([group], lr=rate, momentum=recipe.momentum, nesterov=recipe.nesterov, weight_decay=recipe.weight_decay)
