"""Scaled dot-product attention with grouped key heads: the one door to torch's kernels."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def attend(q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """Attention of q [B,H,Lq,D] over k, v [B,Hkv,Lk,D] -> [B,H,Lq,D], scaled by D^-1/2.

    H is a multiple of Hkv: query head h reads key head h // (H / Hkv). `mask` is true where a query may look, [B or 1,1,Lq,Lk];
    `causal` (Lq = Lk) needs none.
    """
    groups = q.shape[1] // k.shape[1]
    if groups == 1:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
    if q.shape[2] == 1 and (mask is None or mask.shape[1] == 1):
        return _attend_one(q, k, v, mask)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, enable_gqa=True)


def _attend_one(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    # One new token: the query heads of a group become rows of one small matrix, so that keys are read once and never repeated.
    batch, heads, _, width = q.shape
    rows = q.view(batch, k.shape[1], heads // k.shape[1], width)
    return F.scaled_dot_product_attention(rows, k, v, attn_mask=mask).reshape(batch, heads, 1, width)
