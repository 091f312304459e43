"""Softmax attention of one sequence by the native kernel (native/attention.hpp), or by its torch twin.

    q [Hq,L,d], k and v [Hkv,n,d] --scores, softmax in float32--> [Hq,L,d]

Hq is a multiple of Hkv: query head h reads key head h // (Hq / Hkv). Strides are free, so slices of a wider matrix and of a cache are
read in place.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from internvl.errors import ConfigError
from internvl.kernels.library import native
from internvl.kernels.twin import LARGEST_X, SMALLEST

TYPES = {torch.float32: 0, torch.bfloat16: 1}
WIDTH_UNIT = 16
BYTE_KEYS = 64  # keys that share a scale of their weights and, column by column, of their values
Products: TypeAlias = Literal["fastest", "float32", "bfloat16"]


class _Heads(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("type", ctypes.c_int32), ("head", ctypes.c_ssize_t), ("row", ctypes.c_ssize_t))


class _Task(ctypes.Structure):
    """struct AttentionTask of native/attention.hpp."""

    _fields_ = (
        *((name, _Heads) for name in ("q", "k", "v", "out")),
        *((name, ctypes.c_int32) for name in ("query_heads", "key_heads", "width", "queries", "keys", "causal_offset")),
        ("scale", ctypes.c_float),
        *((name, ctypes.c_bool) for name in ("exact", "narrow", "in_bytes")),
    )


def attention(
    q: Tensor, k: Tensor, v: Tensor, *, causal_offset: int | None = None, products: Products = "fastest", in_bytes: bool = False
) -> Tensor:
    """q [Hq,L,d] over k, v [Hkv,n,d] -> [Hq,L,d] of q's type, scaled by d^-1/2; float32 or bfloat16 each.

    causal_offset: query i sees keys 0 ... causal_offset + i; None: all of them. products: the number type that they are made of
    (bfloat16 where the processor has such products, "fastest" what it does faster). in_bytes: 8-bit ones instead, with an error as
    that of 8-bit weights; not causal. ConfigError when shapes don't fit.
    """
    _check(q, k, v, causal_offset)
    if in_bytes and causal_offset is not None:
        raise ConfigError("attention in bytes sees every key; it can't be causal")
    library = native()
    if library is None or not takes(q, k, v):
        return bytes_twin(q, k, v) if in_bytes else attention_twin(q, k, v, causal_offset=causal_offset)
    out = torch.empty(q.shape, dtype=q.dtype)
    offset = -1 if causal_offset is None else causal_offset
    sizes = (q.shape[0], k.shape[0], q.shape[2], q.shape[1], k.shape[1], offset)
    task = _Task(_heads(q), _heads(k), _heads(v), _heads(out), *sizes, q.shape[2] ** -0.5)
    task.exact, task.narrow, task.in_bytes = products == "float32", products == "bfloat16", in_bytes
    if _function(library)(ctypes.byref(task), 1, torch.get_num_threads()):
        raise MemoryError(f"no memory for attention of {q.shape[1]} queries over {k.shape[1]} keys")
    return out


def takes(*parts: Tensor) -> bool:
    """Whether the native kernel can read these."""
    return all(
        part.device.type == "cpu" and part.dtype in TYPES and part.stride(-1) == 1 and part.shape[-1] % WIDTH_UNIT == 0
        for part in parts
    )


def attention_twin(q: Tensor, k: Tensor, v: Tensor, *, causal_offset: int | None = None) -> Tensor:
    """`attention` in plain torch, in float32."""
    groups = q.shape[0] // k.shape[0]
    keys, values = (part.float().repeat_interleave(groups, 0) for part in (k, v))
    scores = q.float() @ keys.transpose(1, 2) * q.shape[2] ** -0.5
    if causal_offset is not None:
        last = torch.arange(q.shape[1])[:, None] + causal_offset
        scores = scores.masked_fill(torch.arange(k.shape[1]) > last, float("-inf"))
    seen: Tensor = scores.softmax(-1) @ values
    return seen.to(q.dtype)


def bytes_twin(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Whole attention in 8 bits (native/attention_bytes.hpp) in plain torch."""
    groups = q.shape[0] // k.shape[0]
    keys, values = (part.float().repeat_interleave(groups, 0) for part in (k, v))
    (q8, q_scale), (k8, k_scale) = _to_bytes(q.float(), -1), _to_bytes(keys - keys.mean(1, keepdim=True), -1)
    scores = q8 @ k8.transpose(1, 2) * k_scale.transpose(1, 2) * (q_scale * q.shape[2] ** -0.5)  # H,L,n
    largest = scores.amax(-1, keepdim=True)
    seen, total = torch.zeros(q.shape), torch.zeros(*q.shape[:2], 1)
    for part, part_values in zip(scores.split(BYTE_KEYS, -1), values.split(BYTE_KEYS, 1), strict=True):
        here = part.amax(-1, keepdim=True)
        weights, grow = ((part - here).exp() * 255).round(), (here - largest).exp()
        v8, v_scale = _to_bytes(part_values, 1)
        seen += weights @ v8 * (grow * v_scale)
        total += weights.sum(-1, keepdim=True) * grow
    return (seen / total).to(q.dtype)


def _to_bytes(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    magnitude = x.abs().amax(axis, keepdim=True)
    return (x * torch.where(magnitude > SMALLEST, LARGEST_X / magnitude, 0.0)).round(), magnitude / LARGEST_X


def has_bytes() -> bool:
    """Whether the native kernel heeds `in_bytes`; elsewhere it computes in floating point."""
    library = native()
    return library is None or bool(library.internvl_attention_has_bytes())


def has_bfloat16() -> bool:
    """Whether the native kernel multiplies in bfloat16 unless asked for exactness."""
    library = native()
    return library is not None and bool(library.internvl_attention_has_bfloat16())


@lru_cache(maxsize=4)
def _function(library: ctypes.CDLL) -> ctypes._NamedFuncPointer:
    function = library.internvl_attention
    function.argtypes = (ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32)
    function.restype = ctypes.c_int32
    return function


def _heads(part: Tensor) -> _Heads:
    return _Heads(part.data_ptr(), TYPES[part.dtype], part.stride(0), part.stride(1))


def _check(q: Tensor, k: Tensor, v: Tensor, causal_offset: int | None) -> None:
    whole = q.dim() == k.dim() == v.dim() == 3 and 0 not in (*q.shape[::2], *k.shape)
    if not whole or k.shape != v.shape or q.shape[2] != k.shape[2] or q.shape[0] % k.shape[0]:
        raise ConfigError(f"attention takes q [Hq,L,d], k and v [Hkv,n,d], not {list(q.shape)}, {list(k.shape)} and {list(v.shape)}")
    if causal_offset is not None and causal_offset < 0:
        raise ConfigError(f"causal_offset counts the keys before the first query; it can't be {causal_offset}")
