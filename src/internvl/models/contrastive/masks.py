"""Who may look at whom in QLLaMA. True where a query (row) may look at a key (column)."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor

Sight: TypeAlias = Literal["all", "apart", "after"]


def text_mask(known: Tensor) -> Tensor:
    """A text read on its own, causally: known [B,L], false at padding -> [B,1,L,L].

    A place that could look at nothing looks at itself: its state is never used, and must not be NaN.
    """
    length = known.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=known.device).tril()
    itself = torch.eye(length, dtype=torch.bool, device=known.device)
    allowed = causal & known[:, None, :]
    return (allowed | (itself & ~allowed.any(-1, keepdim=True)))[:, None]


def caption_mask(queries: int, length: int) -> Tensor:
    """Queries see each other, the text sees them and what was written before: [1,1,Q+L,Q+L]."""
    total = queries + length
    mask = torch.ones(total, total, dtype=torch.bool).tril()
    mask[:queries, :queries] = True
    return mask[None, None]


def joint_mask(known: Tensor, queries: int, sight: Sight) -> Tensor:
    """Queries and a text read in one pass: known [B,L], false at padding -> [B,1,Q+L,Q+L].

    "all": everyone sees everyone (matching). "apart": queries see queries, the text itself, causally (comparing).
    "after": queries see queries, the text them and itself, causally (captioning).
    """
    batch, length = known.shape
    total = queries + length
    mask = torch.zeros(batch, total, total, dtype=torch.bool, device=known.device)
    mask[:, :queries, :queries] = True
    if sight == "all":
        mask[:, :, :queries] = True
        mask[:, :, queries:] = known[:, None]
    else:
        mask[:, queries:, :queries] = sight == "after"
        mask[:, queries:, queries:] = text_mask(known)[:, 0]
    return mask[:, None]
