"""Scaled dot-product attention with grouped key heads: the one door to torch's kernels.

One sequence a row: a mask, or causal. Several sequences a row (packed training): q [B,H,L,D] is cut at their borders and each piece
is read causally for itself, so that the cost is the sum of their squares and no [L,L] mask is built.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias, cast

import torch
import torch.nn.functional as F
from torch import Tensor

# A stretch of a row that belongs to one sequence, or to none: (tokens, whether it is padding).
Run: TypeAlias = tuple[int, bool]

_FLASH_TYPES = (torch.bfloat16, torch.float16)
_FLASH_WIDTHS = range(8, 257, 8)  # of a head


@dataclass(frozen=True)
class Packed:
    """Where the sequences lie in rows of several. `models.language.packing` makes it.

    segments: [B,L], number of the sequence in its row, -1 at padding. rows: the stretches of each row, in order. borders: int32 [S+1],
    where each stretch begins in the rows laid end to end. longest: tokens of the longest stretch. flash: whether the device has
    torch's flash kernel for sequences of unequal length.
    """

    segments: Tensor
    rows: tuple[tuple[Run, ...], ...]
    borders: Tensor
    longest: int
    flash: bool = False

    def to(self, device: torch.device) -> Packed:
        """The same on a device."""
        return Packed(self.segments.to(device), self.rows, self.borders.to(device), self.longest, self.flash)


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Within this, numbers below 1e-38 are zero on the CPU, in this thread and those begun in it.

    Once a model has learnt, most of its attention weights are as small as that, and products with them made a training step take twice
    as long. Not beyond our own work: libraries rely on such numbers, and Python's own floats obey this too.
    """
    before = sys.float_info.min / 2 == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def attend(
    q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None, causal: bool = False, packed: Packed | None = None
) -> Tensor:
    """Attention of q [B,H,Lq,D] over k, v [B,Hkv,Lk,D] -> [B,H,Lq,D], scaled by D^-1/2.

    H is a multiple of Hkv: query head h reads key head h // (H / Hkv). `mask` is true where a query may look, [B or 1,1,Lq,Lk];
    `causal` (Lq = Lk) needs none; `packed` (Lq = Lk) is causal within each sequence, and undefined at padding.
    """
    if packed is not None:
        return _attend_packed(q, k, v, packed)
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


def _attend_packed(q: Tensor, k: Tensor, v: Tensor, packed: Packed) -> Tensor:
    # Rotary positions and norms may have left q and k wider than v, which comes straight from its matrix (autocast).
    q, k = q.to(v.dtype), k.to(v.dtype)
    if packed.flash and v.dtype in _FLASH_TYPES and v.shape[-1] in _FLASH_WIDTHS:
        return _attend_flash(q, k, v, packed)
    if torch.compiler.is_compiling():
        return attend(q, k, v, mask=packed_mask(packed.segments))  # a loop over borders would be compiled anew for every batch
    return _attend_pieces(q, k, v, packed)


def packed_mask(segments: Tensor) -> Tensor:
    """segments [B,L] -> true where a query may look, [B,1,L,L]: at its own sequence, up to itself."""
    return (segments[:, None, :, None] == segments[:, None, None, :]).tril()


def _attend_pieces(q: Tensor, k: Tensor, v: Tensor, packed: Packed) -> Tensor:
    # Measured on a CPU against one masked call: 2 to 4 times as fast, forward and backward, with 8 to 40 sequences a row.
    # Splitting and joining, not slicing and writing: each has one backward step, however many sequences there are.
    parts = [part.transpose(1, 2) for part in (q, k, v)]  # B,L,H,D, as it lies in memory
    rows = zip(packed.rows, *(part.split(1) for part in parts), strict=True)
    return torch.cat([_attend_row(runs, q, k, v) for runs, q, k, v in rows]).transpose(1, 2)


def _attend_row(runs: tuple[Run, ...], q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    sizes = [tokens for tokens, _ in runs]
    pieces = zip(runs, q.split(sizes, 1), k.split(sizes, 1), v.split(sizes, 1), strict=True)
    return torch.cat([torch.zeros_like(q) if padding else _attend_piece(q, k, v) for (_, padding), q, k, v in pieces], dim=1)


def _attend_piece(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    grouped = q.shape[2] != k.shape[2]
    q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped).transpose(1, 2)


def _attend_flash(q: Tensor, k: Tensor, v: Tensor, packed: Packed) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    batch, _, length, _ = q.shape
    q, k, v = (part.transpose(1, 2).flatten(0, 1) for part in (q, k, v))  # B*L,H,D
    borders, longest = packed.borders, packed.longest
    grouped = q.shape[1] != k.shape[1]
    seen = varlen_attn(q, k, v, borders, borders, longest, longest, window_size=(-1, 0), enable_gqa=grouped)
    return cast(Tensor, seen).unflatten(0, (batch, length)).transpose(1, 2)
