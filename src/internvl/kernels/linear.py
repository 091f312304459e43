"""Products with packed weights: the native kernel where there is one, else its torch twin.

    x [..., k] --8 bits, on the way (int8 and int4)--> times PackedWeight [n,k] --> [..., n]

`describe` gives a weight to C++ (native/linear.hpp: struct Weight), for passes that run natively as a whole.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache

import torch
from torch import Tensor

from internvl.errors import ConfigError
from internvl.kernels import twin
from internvl.kernels.library import native
from internvl.kernels.packed import BLOCK, LARGEST, PackedWeight, padded

KINDS = {"int8": 0, "int4": 1, "bfloat16": 2, "float32": 3}
TYPES = {torch.float32: 0, torch.bfloat16: 1}
X_GROUPS = range(16, 257, 16)


class WeightStruct(ctypes.Structure):
    """struct Weight of native/linear.hpp. It holds addresses only: keep the PackedWeight as long as it."""

    _fields_ = (
        ("kind", ctypes.c_int32),
        ("n", ctypes.c_int32),
        ("k", ctypes.c_int32),
        ("group", ctypes.c_int32),
        ("data", ctypes.c_void_p),
        ("scales", ctypes.c_void_p),
        ("zeros", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
    )


def product(x: Tensor, packed: PackedWeight, *, x_group: int = 0, dtype: torch.dtype | None = None) -> Tensor:
    """x [..., k] times the weight [n,k], transposed, plus bias -> [..., n] of x's type, or of `dtype`. No gradient.

    x_group: int8 and int4 weights take x in 8 bits, scaled by the row (0) or by each x_group columns: the weight's own group, or,
    where that has none, a multiple of 16 up to 256. ConfigError when x doesn't fit.
    """
    _check(x, packed, x_group)
    dtype = dtype or x.dtype
    rows = x.detach().reshape(-1, packed.columns)
    library = native() if x.device.type == "cpu" else None
    if library is None or dtype not in TYPES:
        return twin.product(rows, packed, x_group=x_group).to(dtype).view(*x.shape[:-1], packed.rows)
    rows = rows if rows.dtype in TYPES else rows.float()
    rows = rows if rows.stride(-1) == 1 else rows.contiguous()
    out = torch.empty(*x.shape[:-1], packed.rows, dtype=dtype)
    failed = _function(library)(
        ctypes.byref(describe(packed)),
        rows.data_ptr(),
        TYPES[rows.dtype],
        rows.stride(0),
        rows.shape[0],
        x_group,
        out.data_ptr(),
        TYPES[dtype],
        packed.rows,
        torch.get_num_threads(),
    )
    if failed:
        raise MemoryError(f"no memory to read {rows.shape[0]} rows of {packed.columns} columns")
    return out


def describe(packed: PackedWeight) -> WeightStruct:
    """The weight for C++. ConfigError when its tensors aren't what native/linear.hpp expects, since C++ would read beyond them."""
    blocks = padded(packed.rows, BLOCK) // BLOCK
    tables = (packed.scales, packed.zeros) if packed.kind in LARGEST else ()
    if any(table is None or table.shape != (blocks, packed.groups, BLOCK) for table in tables):
        raise ConfigError(f"scales and zeros of this {packed.kind} weight have to be [{blocks}, {packed.groups}, {BLOCK}]")
    size = blocks * BLOCK * packed.padded_columns // (2 if packed.kind == "int4" else 1)
    if packed.data.numel() != size or (packed.bias is not None and packed.bias.shape != (blocks * BLOCK,)):
        raise ConfigError(
            f"a packed {packed.kind} weight [{packed.rows},{packed.columns}] has {size} entries, not {packed.data.numel()}"
        )
    tensors = (packed.data, packed.scales, packed.zeros, packed.bias)
    if any(tensor is not None and not (tensor.is_contiguous() and tensor.device.type == "cpu") for tensor in tensors):
        raise ConfigError("a packed weight has to lie in the CPU's memory, contiguously")
    addresses = (None if tensor is None else tensor.data_ptr() for tensor in tensors)
    return WeightStruct(KINDS[packed.kind], packed.rows, packed.columns, packed.group, *addresses)


@lru_cache(maxsize=4)
def _function(library: ctypes.CDLL) -> ctypes._NamedFuncPointer:
    function = library.internvl_product
    integer, address, long = ctypes.c_int32, ctypes.c_void_p, ctypes.c_int64
    function.argtypes = (address, address, integer, long, integer, integer, address, integer, long, integer)
    function.restype = integer
    return function


def _check(x: Tensor, packed: PackedWeight, x_group: int) -> None:
    if x.shape[-1:] != (packed.columns,) or not x.is_floating_point():
        raise ConfigError(f"this weight takes numbers [..., {packed.columns}], not {x.dtype} {list(x.shape)}")
    if x_group == 0 or (packed.kind in LARGEST and x_group in ((packed.group,) if packed.group else X_GROUPS)):
        return
    allowed = f"0 or {packed.group}" if packed.group else "0 or 16, 32, 48 ... 256" if packed.kind in LARGEST else "0"
    raise ConfigError(f"x_group for this {packed.kind} weight is {allowed}, not {x_group}")
