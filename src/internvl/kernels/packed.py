"""Weights of linear layers in the layout that the native kernels read; one copy serves the matrix and the matrix-vector product.

    weight [n,k] --quantise--> integers [n,k], scales and zeros [n,groups] --arrange--> data [n/16, steps, 16, columns a step]

A value stands for `scale * (integer - zero)`; integers are unsigned (0..255 or 0..15). "int4" puts two steps into a byte, the even one
into the low half. The same layout is described for C++ in native/linear.hpp. Rows are padded to 16, columns to whole groups or 4 steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from internvl.errors import ConfigError

Kind = Literal["int8", "int4", "bfloat16", "float32"]
BLOCK = 16
STEP = {"int8": 4, "int4": 4, "bfloat16": 2, "float32": 1}
LARGEST = {"int8": 255, "int4": 15}
GROUPS = range(32, 257, 32)


@dataclass(frozen=True, kw_only=True)
class PackedWeight:
    """A weight [rows, columns] as the kernels read it.

    group: columns that share a scale; 0 for one scale a row (and for floating kinds).
    data: uint8, bfloat16 or float32 [blocks, steps, 16, STEP[kind]]; int4 has half as many steps.
    scales: [blocks, groups, 16], float32 with group 0, else bfloat16; zeros: uint8 of the same shape. None for floating kinds.
    bias: float32 [blocks * 16] or None.
    """

    kind: Kind
    rows: int
    columns: int
    group: int
    data: Tensor
    scales: Tensor | None = None
    zeros: Tensor | None = None
    bias: Tensor | None = None

    @property
    def padded_columns(self) -> int:
        """Columns as stored."""
        return padded(self.columns, self.group or 4 * STEP[self.kind])

    @property
    def groups(self) -> int:
        """Scales a row has."""
        return self.padded_columns // self.group if self.group else 1

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return sum(tensor.nbytes for tensor in (self.data, self.scales, self.zeros, self.bias) if tensor is not None)


@dataclass(frozen=True, kw_only=True)
class Integers:
    """A quantised weight before it is arranged: values uint8 [n,k]; scales float32 and zeros uint8 [n,groups]."""

    values: Tensor
    scales: Tensor
    zeros: Tensor


def pack(weight: Tensor, kind: Kind, *, group: int = 0, bias: Tensor | None = None, symmetric: bool = False) -> PackedWeight:
    """Quantise a weight [n,k] to the nearest integers and arrange it.

    group: 0 (one scale a row; floating kinds always) or a multiple of 32 up to 256; "int4" needs one. symmetric: the zero point is the
    middle, else each group spans its smallest to its largest value. ConfigError when kind, group or shape are impossible.
    """
    check(weight.shape, kind, group)
    if kind in LARGEST:
        return pack_integers(quantise(weight, kind, group=group, symmetric=symmetric), kind, group=group, bias=bias)
    dtype = torch.bfloat16 if kind == "bfloat16" else torch.float32
    rows, columns = weight.shape
    data = _arrange(weight.detach().to(dtype), kind, group=0)
    return PackedWeight(kind=kind, rows=rows, columns=columns, group=0, data=data, bias=_bias(bias, rows))


def quantise(weight: Tensor, kind: Kind, *, group: int, symmetric: bool = False) -> Integers:
    """Weight [n,k] to the nearest integers: for each row, or each group of its columns, a scale and a zero point."""
    check(weight.shape, kind, group)
    rows, columns = weight.shape
    width = group or columns
    whole = F.pad(weight.detach().float(), (0, padded(columns, width) - columns)).view(rows, -1, width)  # [n,groups,group]
    low, high = whole.amin(-1).clamp(max=0), whole.amax(-1).clamp(min=0)
    largest = LARGEST[kind]
    if symmetric:
        scales = torch.maximum(high, -low) / (largest // 2)
        zeros = torch.full_like(scales, largest // 2 + 1)
    else:
        scales = (high - low) / largest
        zeros = (-low / _nonzero(scales)).round().clamp(0, largest)
    scales = stored_scales(scales, group)
    values = (whole / _nonzero(scales)[..., None] + zeros[..., None]).round().clamp(0, largest)
    return Integers(values=values.to(torch.uint8).reshape(rows, -1)[:, :columns], scales=scales, zeros=zeros.to(torch.uint8))


def stored_scales(scales: Tensor, group: int) -> Tensor:
    """Scales as the layout keeps them: groups have bfloat16 ones, so integers have to be chosen for those."""
    return scales.bfloat16().float() if group else scales.float()


def pack_integers(integers: Integers, kind: Kind, *, group: int, bias: Tensor | None = None) -> PackedWeight:
    """Arrange integers that were chosen elsewhere (by a calibration); scales of groups are rounded to bfloat16."""
    rows, columns = integers.values.shape
    check(integers.values.shape, kind, group)
    count = padded(columns, group) // group if group else 1
    if integers.scales.shape != (rows, count) or integers.zeros.shape != (rows, count):
        raise ConfigError(
            f"scales and zeros of a weight [{rows},{columns}] in groups of {group or columns} are [{rows},{count}],"
            f" not {list(integers.scales.shape)} and {list(integers.zeros.shape)}"
        )
    return PackedWeight(
        kind=kind,
        rows=rows,
        columns=columns,
        group=group,
        data=_arrange(integers.values, kind, group=group),
        scales=_blocks(integers.scales.to(torch.bfloat16 if group else torch.float32)),
        zeros=_blocks(integers.zeros.to(torch.uint8)),
        bias=_bias(bias, rows),
    )


def unpack(packed: PackedWeight) -> Tensor:
    """The weight a packed one stands for: float32 [n,k]."""
    return unpack_rows(packed, torch.arange(packed.rows))


def unpack_rows(packed: PackedWeight, rows: Tensor) -> Tensor:
    """Some rows (indices of any shape) of the weight: float32 [*rows.shape, k]. An embedding reads its table so."""
    block, lane = rows // BLOCK, rows % BLOCK
    values = integer_values(packed, rows) if packed.kind in LARGEST else packed.data[block, :, lane].flatten(-2).float()
    if packed.scales is not None and packed.zeros is not None:
        scales, zeros = (table[block, :, lane].float()[..., None] for table in (packed.scales, packed.zeros))
        values = ((values.float().unflatten(-1, (packed.groups, -1)) - zeros) * scales).flatten(-2)
    return values[..., : packed.columns]


def integer_values(packed: PackedWeight, rows: Tensor) -> Tensor:
    """Integers of some rows: uint8 [*rows.shape, padded columns]."""
    data = packed.data[rows // BLOCK, :, rows % BLOCK]  # [..., steps, 4]
    if packed.kind == "int4":
        data = torch.stack((data & 15, data >> 4), -2)  # [..., steps/2, 2, 4]
        return data.flatten(-3)
    return data.flatten(-2)


def padded(size: int, unit: int) -> int:
    """The next multiple of unit."""
    return -(-size // unit) * unit


def check(shape: torch.Size, kind: str, group: int) -> None:
    """ConfigError unless a weight of this shape can be packed so."""
    if kind not in get_args(Kind):
        raise ConfigError(f"a packed weight is one of {', '.join(get_args(Kind))}, not {kind!r}")
    if len(shape) != 2 or 0 in shape:
        raise ConfigError(f"a weight to pack is [rows, columns], at least 1 each, not {list(shape)}")
    grouped = group in GROUPS
    if kind == "int4" and not grouped:
        raise ConfigError(f"int4 weights need a group of 32, 64, 96 ... 256 columns, not {group}")
    if (group != 0 and not grouped) or (group and kind not in LARGEST):
        raise ConfigError(f"a group for {kind} weights is 0{' or 32, 64, 96 ... 256' if kind in LARGEST else ''}, not {group}")


def _arrange(values: Tensor, kind: Kind, *, group: int) -> Tensor:
    rows, columns = values.shape
    step = STEP[kind]
    whole = values.new_zeros(padded(rows, BLOCK), padded(columns, group or 4 * step))
    whole[:rows, :columns] = values
    data = whole.view(whole.shape[0] // BLOCK, BLOCK, -1, step).transpose(1, 2)  # [blocks,steps,16,step]
    if kind == "int4":
        data = data[:, 0::2] | (data[:, 1::2] << 4)
    return data.contiguous()


def _blocks(table: Tensor) -> Tensor:
    """[n,groups] -> [blocks,groups,16]; rows that don't exist get zeros."""
    rows, groups = table.shape
    whole = table.new_zeros(padded(rows, BLOCK), groups)
    whole[:rows] = table
    return whole.view(-1, BLOCK, groups).transpose(1, 2).contiguous()


def _bias(bias: Tensor | None, rows: int) -> Tensor | None:
    if bias is None:
        return None
    if bias.shape != (rows,):
        raise ConfigError(f"a bias of {rows} rows is [{rows}], not {list(bias.shape)}")
    return F.pad(bias.detach().float(), (0, padded(rows, BLOCK) - rows))


def _nonzero(scales: Tensor) -> Tensor:
    return torch.where(scales == 0, torch.ones_like(scales), scales)
