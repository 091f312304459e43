"""The weights of InternViT and the projector as the native passes take them, collected from a model with packed linear layers.

Duck-typed, because this package stands below `models`: a linear layer that has `packed` (a PackedWeight) is quantised, any other is
packed in its own number type. The tensors are the model's own wherever their type allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from internvl.kernels.packed import PackedWeight, pack

UNIT = 16  # every width has to be a multiple of it


@dataclass(frozen=True, kw_only=True)
class LinearWeights:
    """A linear layer. x_group: columns of its input that share a scale, 0 for a whole row."""

    packed: PackedWeight
    x_group: int = 0


@dataclass(frozen=True, kw_only=True)
class NormWeights:
    """LayerNorm, or RMSNorm where bias is None; float32 [D]."""

    weight: Tensor
    bias: Tensor | None


@dataclass(frozen=True, kw_only=True)
class LayerWeights:
    """One layer of InternViT; q_norm and k_norm are float32 [D] or None, scales float32 [D]."""

    norm1: NormWeights
    qkv: LinearWeights
    q_norm: Tensor | None
    k_norm: Tensor | None
    out: LinearWeights
    scale1: Tensor
    norm2: NormWeights
    up: LinearWeights
    down: LinearWeights
    scale2: Tensor


@dataclass(frozen=True, kw_only=True)
class VisionWeights:
    """The layers that are used, in order. silu: the activation, else GELU by the error function.

    attention_in_bytes: with 8-bit products where the processor has them (`kernels.attention`).
    """

    layers: tuple[LayerWeights, ...]
    width: int
    heads: int
    mlp_width: int
    silu: bool
    eps: float
    attention_in_bytes: bool = False

    @property
    def narrow(self) -> bool:
        """Whether q, k, v, the output of attention and the MLP's hidden vector are kept in bfloat16 between the layers."""
        return bool(self.layers) and self.layers[0].qkv.packed.kind != "float32"


@dataclass(frozen=True, kw_only=True)
class ProjectorWeights:
    """k and transposed as in `models.projector.pixel_shuffle`; width of a patch."""

    norm: NormWeights
    up: LinearWeights
    out: LinearWeights
    width: int
    k: int
    transposed: bool
    eps: float


def vision_weights(model: Any) -> VisionWeights | None:
    """Of an `InternVL`: the layers up to the one its projector reads.

    None when nothing there is packed or a width isn't a multiple of 16.
    """
    config = model.config.vision
    blocks = list(model.vision_encoder.layers)[: model.config.vision_layers_used]
    widths = (config.hidden_size // config.num_heads, config.intermediate_size)
    if not _any_packed(blocks) or any(width % UNIT for width in widths):
        return None
    return VisionWeights(
        layers=tuple(_layer(block) for block in blocks),
        width=config.hidden_size,
        heads=config.num_heads,
        mlp_width=config.intermediate_size,
        silu=config.hidden_act == "silu",
        eps=config.norm_eps,
        attention_in_bytes=all(block.attention.qkv.packed.kind == "int8" for block in blocks if _is_packed(block.attention.qkv)),
    )


def projector_weights(model: Any) -> ProjectorWeights | None:
    """Of an `InternVL`. None when its linear layers aren't packed or a width isn't a multiple of 16."""
    projector, width = model.projector, model.config.vision.hidden_size
    if not _any_packed([projector]) or any(size % UNIT for size in (width, projector.up.out_features, projector.out.out_features)):
        return None
    return ProjectorWeights(
        norm=_norm(projector.norm),
        up=_linear(projector.up),
        out=_linear(projector.out),
        width=width,
        k=projector.k,
        transposed=projector.transposed,
        eps=projector.norm.eps,
    )


def _layer(block: Any) -> LayerWeights:
    attention, mlp = block.attention, block.mlp
    return LayerWeights(
        norm1=_norm(block.norm1),
        qkv=_linear(attention.qkv),
        q_norm=None if attention.q_norm is None else _floats(attention.q_norm.weight),
        k_norm=None if attention.k_norm is None else _floats(attention.k_norm.weight),
        out=_linear(attention.out),
        scale1=_floats(block.scale1),
        norm2=_norm(block.norm2),
        up=_linear(mlp.up),
        down=_linear(mlp.down),
        scale2=_floats(block.scale2),
    )


def _norm(norm: Any) -> NormWeights:
    bias = getattr(norm, "bias", None)
    return NormWeights(weight=_floats(norm.weight), bias=None if bias is None else _floats(bias))


def _linear(layer: Any) -> LinearWeights:
    if _is_packed(layer):
        return LinearWeights(packed=layer.packed, x_group=getattr(layer, "input_group", 0))
    kind: Any = "bfloat16" if layer.weight.dtype == torch.bfloat16 else "float32"
    return LinearWeights(packed=pack(layer.weight, kind, bias=layer.bias))


def _floats(tensor: Tensor) -> Tensor:
    return tensor.detach().float().contiguous()


def _any_packed(parts: list[nn.Module]) -> bool:
    return any(_is_packed(module) for part in parts for module in part.modules())


def _is_packed(module: nn.Module) -> bool:
    return isinstance(getattr(module, "packed", None), PackedWeight)
