"""A linear layer and an embedding of packed weights, in the place of a model's own.

    x [...,k] -> QuantLinear -> [...,n]      ids [...] -> QuantEmbedding -> [...,D]

Buffers are as the kernels read them (`kernels.packed`), so a mapped file is a model. They keep their types whatever the model
around them is converted to. Nothing here can be trained.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from internvl.kernels.linear import product
from internvl.kernels.packed import PackedWeight, unpack_rows
from internvl.quantize.formats import LayerFormat
from internvl.quantize.plan import PackedKind


class Packed(nn.Module):
    """Buffers of a packed weight. `weight` holds its integers, so that it is found where a layer's device is looked for."""

    weight: Tensor
    scales: Tensor
    zeros: Tensor
    bias: Tensor | None

    def __init__(self, packed: PackedWeight) -> None:
        super().__init__()
        self.kind = cast(PackedKind, packed.kind)
        self.out_features, self.in_features, self.group = packed.rows, packed.columns, packed.group
        self._hold(packed.data, packed.scales, packed.zeros, packed.bias)

    @property
    def format(self) -> LayerFormat:
        """Kind and groups."""
        return LayerFormat(kind=self.kind, group=self.group)

    @property
    def packed(self) -> PackedWeight:
        """The weight as the kernels take it; its tensors are this layer's own."""
        return PackedWeight(
            kind=self.kind,
            rows=self.out_features,
            columns=self.in_features,
            group=self.group,
            data=self.weight,
            scales=self.scales,
            zeros=self.zeros,
            bias=self.bias,
        )

    def _hold(self, data: Tensor, scales: Tensor | None, zeros: Tensor | None, bias: Tensor | None) -> None:
        for name, tensor in (("weight", data), ("scales", scales), ("zeros", zeros), ("bias", bias)):
            self.register_buffer(name, tensor)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move to another device; a change of type (`model.to(torch.bfloat16)`) passes by."""
        device = fn(torch.empty(0, device=self.weight.device)).device
        bias = None if self.bias is None else self.bias.to(device)
        self._hold(self.weight.to(device), self.scales.to(device), self.zeros.to(device), bias)
        return self

    def extra_repr(self) -> str:
        """Sizes and kind."""
        return f"{self.in_features}, {self.out_features}, kind={self.kind!r}, group={self.group}"


class QuantLinear(Packed):
    """x @ weight.T + bias with packed weights; inputs are rounded to 8 bits on the way, one scale for each `input_group` columns."""

    def __init__(self, packed: PackedWeight, *, input_group: int = 0) -> None:
        super().__init__(packed)
        self.input_group = input_group

    @property
    def format(self) -> LayerFormat:
        """Kind and groups."""
        return LayerFormat(kind=self.kind, group=self.group, input_group=self.input_group)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out], in the type of x."""
        return product(x, self.packed, x_group=self.input_group)


class QuantEmbedding(Packed):
    """Rows of a packed table by id, as numbers of type `dtype`."""

    def __init__(self, packed: PackedWeight, *, dtype: torch.dtype) -> None:
        super().__init__(packed)
        self.dtype = dtype

    def forward(self, ids: Tensor) -> Tensor:
        """[...] -> [..., width]."""
        return unpack_rows(self.packed, ids).to(self.dtype)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        self.dtype = fn(torch.empty(0, dtype=self.dtype, device=self.weight.device)).dtype
        return super()._apply(fn, recurse)


def layers_of(model: nn.Module) -> dict[str, Packed]:
    """The packed layers of a model, by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, Packed)}
