"""Scaled dot-product attention with grouped key heads: the one door to the kernels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from internvl.models.linear import product, takes_onednn

# Scores times head width from which a head of its own pays for three calls: 512 x 512 x 64.
_LARGE_HEAD = 1 << 24


def attend(q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """Attention of q [B,H,Lq,D] over k, v [B,Hkv,Lk,D] -> [B,H,Lq,D], scaled by D^-1/2.

    H is a multiple of Hkv: query head h reads key head h // (H / Hkv). `mask` is true where a query may look, [B or 1,1,Lq,Lk];
    `causal` (Lq = Lk) needs none.
    """
    groups = q.shape[1] // k.shape[1]
    if groups == 1 and mask is None and not causal and q[0, 0].numel() * k.shape[2] >= _LARGE_HEAD and takes_onednn(q):
        return _attend_head_by_head(q, k, v)
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


def _attend_head_by_head(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """A tile on a CPU: torch's fused kernel reaches a third of what plain products do (55 ms a layer against 30 in bfloat16).

    One head's scores stay in the cache, in float32 as inside the fused kernel; only the weights are rounded to the type of v.
    """
    scaled, keys = (q.float() * q.shape[-1] ** -0.5).flatten(0, 1), k.float().flatten(0, 1)
    values = v.transpose(-1, -2).contiguous().flatten(0, 1)  # B*H,D,Lk
    seen = torch.empty_like(q.transpose(1, 2), memory_format=torch.contiguous_format).transpose(1, 2)  # B,H,Lq,D, read as B,Lq,H*D
    for index, target in enumerate(seen.unbind(0)):
        for head, place in enumerate(target.unbind(0)):
            at = index * q.shape[1] + head
            weights = product(scaled[at], keys[at]).softmax(-1).to(v.dtype)
            place.copy_(product(weights, values[at]))
    return seen
