"""Layers to the nearest integers, one at a time: what needs no calibration, and can be done while a model is loaded.

weight [n,k], bias [n] -> rows in pieces -> PackedWeight -> QuantLinear or QuantEmbedding, set into a model
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from internvl.kernels.packed import BLOCK, Integers, PackedWeight, pack, pack_integers, padded
from internvl.quantize.formats import LayerFormat
from internvl.quantize.layer import QuantEmbedding, QuantLinear
from internvl.quantize.plan import EMBEDDING

# Numbers of a weight that are float32 at a time: a head of 150,000 words would need half a gigabyte, and what fits into a core's cache
# is rounded in half the time.
_PIECE = 1 << 19


def packed_nearest(weight: Tensor, layer: LayerFormat, bias: Tensor | None = None) -> PackedWeight:
    """A weight [n,k] of any floating type, packed; beside the result it needs a few rows in float32."""
    rows = max(BLOCK, _PIECE // weight.shape[1] // BLOCK * BLOCK)
    if weight.shape[0] <= rows:
        return pack(weight, layer.kind, group=layer.group, bias=bias)
    whole: dict[str, Tensor] = {}
    for start in range(0, weight.shape[0], rows):
        piece = pack(weight[start : start + rows], layer.kind, group=layer.group)
        for name in ("data", "scales", "zeros"):
            part: Tensor = getattr(piece, name)
            if name not in whole:
                whole[name] = part.new_empty((padded(weight.shape[0], BLOCK) // BLOCK, *part.shape[1:]))
            whole[name][start // BLOCK : start // BLOCK + len(part)] = part
    made = PackedWeight(kind=layer.kind, rows=weight.shape[0], columns=weight.shape[1], group=layer.group, **whole)
    return made if bias is None else with_bias(made, bias)


def packed_of(integers: Integers, layer: LayerFormat, bias: Tensor | None = None) -> PackedWeight:
    """Integers that a calibration chose, packed."""
    return pack_integers(integers, layer.kind, group=layer.group, bias=bias)


def with_bias(packed: PackedWeight, bias: Tensor) -> PackedWeight:
    """The packed weight with a bias [n]."""
    room = torch.zeros(packed.data.shape[0] * BLOCK)
    room[: packed.rows] = bias.detach().float()
    return replace(packed, bias=room)


def quant_module(name: str, packed: PackedWeight, layer: LayerFormat, *, dtype: torch.dtype) -> QuantLinear | QuantEmbedding:
    """The module that stands for a layer of this name. dtype: of an embedding's vectors."""
    if name == EMBEDDING:
        return QuantEmbedding(packed, dtype=dtype)
    return QuantLinear(packed, input_group=layer.input_group)


def set_module(model: nn.Module, name: str, module: nn.Module) -> None:
    """Put a module where the name says."""
    owner, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(owner), leaf, module)
