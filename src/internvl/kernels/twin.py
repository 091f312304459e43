"""The linear kernels in plain torch: the same integers, the same order of groups, so kernel and twin agree to float rounding.

    x [m,k] --read_rows--> q int8 [m,groups,width], scales [m,groups] --product--> [m,n] float32

Used where nothing native can be built, on other devices, and as the oracle of the kernels' tests.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from internvl.kernels.packed import LARGEST, PackedWeight, integer_values, padded, unpack

LARGEST_X = 127.0
SMALLEST = 1e-30  # a magnitude below which a group counts as zeros: 127 / magnitude may not be a number
EXACT_COLUMNS = 512  # float32 adds so many products of 8-bit numbers without rounding: 512 * 127 * 255 < 2^24


class Rows(NamedTuple):
    """Rows of x in 8 bits: values [m,groups,width] (whole numbers, as float32), scales [m,groups]."""

    values: Tensor
    scales: Tensor


def read_rows(x: Tensor, packed: PackedWeight, x_group: int) -> Rows:
    """x [m,k] to 8 bits: one scale a row (x_group 0) or one for each x_group columns; the largest magnitude becomes 127."""
    rows = x.shape[0]
    width = packed.group or x_group or packed.padded_columns
    columns = padded(packed.padded_columns, width)
    wide = F.pad(x.float(), (0, columns - x.shape[1])).view(rows, columns // width, width)
    magnitude = wide.abs().amax(-1) if x_group else wide.abs().amax((1, 2))[:, None].expand(rows, wide.shape[1])
    # Not `127 / magnitude`: torch computes that as 127 times the reciprocal, and its last bit decides ties.
    factor = torch.where(magnitude > SMALLEST, torch.full_like(magnitude, LARGEST_X).div(magnitude), 0.0)
    return Rows((wide * factor[..., None]).round().nan_to_num(0.0, 0.0, 0.0), magnitude / LARGEST_X)


def product(x: Tensor, packed: PackedWeight, *, x_group: int = 0) -> Tensor:
    """x [m,k] times the weight [n,k], transposed, plus bias -> float32 [m,n]."""
    if packed.kind not in LARGEST:
        return _with_bias(F.linear(x.float(), unpack(packed).to(x.device)), packed)
    rows = read_rows(x, packed, x_group)
    weights = _centred(packed, rows.values.shape[1] * rows.values.shape[2])
    return _grouped(rows, weights, packed) if packed.group or x_group else _whole(rows, weights, packed)


def _centred(packed: PackedWeight, columns: int) -> Tensor:
    """Integers less their zero points: float32 [n, columns], 0 beyond the weight's own columns."""
    assert packed.zeros is not None
    values = integer_values(packed, torch.arange(packed.rows, device=packed.data.device)).float()
    zeros = packed.zeros.transpose(1, 2).reshape(-1, packed.groups, 1)[: packed.rows].float()
    centred = (values.unflatten(1, (packed.groups, -1)) - zeros).flatten(1)
    return F.pad(centred[:, : packed.columns], (0, columns - packed.columns))


def _grouped(rows: Rows, weights: Tensor, packed: PackedWeight) -> Tensor:
    assert packed.scales is not None
    groups, width = rows.values.shape[1:]
    table = packed.scales.transpose(1, 2).reshape(-1, packed.groups)[: packed.rows].float()  # [n,groups]
    total = rows.values.new_zeros(rows.values.shape[0], packed.rows)
    for group in range(groups):
        sums = rows.values[:, group] @ weights[:, group * width : (group + 1) * width].T
        scales = rows.scales[:, group, None] * table[:, group] if packed.group else rows.scales[:, group, None]
        total += sums * scales
    return _with_bias(total if packed.group else total * table[:, 0], packed)


def _whole(rows: Rows, weights: Tensor, packed: PackedWeight) -> Tensor:
    assert packed.scales is not None
    values = rows.values.flatten(1)
    total = torch.zeros(values.shape[0], packed.rows, dtype=torch.int32, device=values.device)
    for begin in range(0, values.shape[1], EXACT_COLUMNS):
        part = slice(begin, begin + EXACT_COLUMNS)
        total += (values[:, part] @ weights[:, part].T).int()
    return _with_bias(total.float() * rows.scales[:, :1] * packed.scales.flatten()[: packed.rows], packed)


def _with_bias(total: Tensor, packed: PackedWeight) -> Tensor:
    return total if packed.bias is None else total + packed.bias[: packed.rows]
