"""The native passes of the vision side in plain torch: the same rounding at the same places.

hidden [T,N,D] --layers--> [T,N,D] --projector--> visual tokens [T,V,D']
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from internvl.kernels import twin
from internvl.kernels.attention import attention_twin, bytes_twin
from internvl.kernels.vision_weights import LayerWeights, LinearWeights, NormWeights, ProjectorWeights, VisionWeights


def layers_twin(hidden: Tensor, weights: VisionWeights) -> Tensor:
    """All layers, float32 [T,N,D] -> [T,N,D]."""
    for layer in weights.layers:
        hidden = hidden + layer.scale1 * _attention(hidden, layer, weights)
        middle = _linear(_norm(hidden, layer.norm2, weights.eps), layer.up)
        middle = F.silu(middle) if weights.silu else F.gelu(middle)
        hidden = hidden + layer.scale2 * _linear(_kept(middle, weights.narrow), layer.down)
    return hidden


def projector_twin(hidden: Tensor, weights: ProjectorWeights, *, rows: int, columns: int) -> Tensor:
    """Hidden states with the class token [T, 1 + rows * columns, D] -> [T,V,D']."""
    k = weights.k
    cells = hidden[:, 1:].unflatten(1, (rows // k, k, columns // k, k))  # T,R,k,C,k,D
    squares = cells.permute(0, 3, 1, 2, 4, 5) if weights.transposed else cells.transpose(2, 3)
    normed = _norm(squares.flatten(3).flatten(1, 2), weights.norm, weights.eps)
    narrow = weights.up.packed.kind != "float32"
    return _linear(_kept(F.gelu(_linear(normed, weights.up)), narrow), weights.out)


def _attention(hidden: Tensor, layer: LayerWeights, weights: VisionWeights) -> Tensor:
    q, k, v = _linear(_norm(hidden, layer.norm1, weights.eps), layer.qkv).split(weights.width, -1)
    if layer.q_norm is not None and layer.k_norm is not None:
        q, k = (_norm(part, NormWeights(weight=norm, bias=None), weights.eps) for part, norm in ((q, layer.q_norm), (k, layer.k_norm)))
    parts = [_kept(part, weights.narrow).unflatten(-1, (weights.heads, -1)).transpose(1, 2) for part in (q, k, v)]  # T,H,N,d
    attend = bytes_twin if weights.attention_in_bytes else attention_twin
    seen = torch.stack([attend(*tile) for tile in zip(*parts, strict=True)])
    return _linear(_kept(seen.transpose(1, 2).flatten(2), weights.narrow), layer.out)


def _linear(x: Tensor, linear: LinearWeights) -> Tensor:
    return twin.product(x.reshape(-1, x.shape[-1]), linear.packed, x_group=linear.x_group).view(*x.shape[:-1], -1)


def _norm(x: Tensor, norm: NormWeights, eps: float) -> Tensor:
    if norm.bias is None:
        return F.rms_norm(x, norm.weight.shape, eps=eps) * norm.weight
    return F.layer_norm(x, norm.weight.shape, norm.weight, norm.bias, eps)


def _kept(x: Tensor, narrow: bool) -> Tensor:
    return x.bfloat16().float() if narrow else x
