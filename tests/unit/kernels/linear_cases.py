"""What the tests of the linear kernels multiply, here and in processes that build for fewer instructions."""

from __future__ import annotations

import torch
from torch import Tensor

from internvl.kernels import linear, twin
from internvl.kernels.packed import Kind, PackedWeight, pack

# kind, columns that share a weight's scale, columns that share x's scale
CASES: tuple[tuple[Kind, int, int], ...] = (
    ("int8", 0, 0),
    ("int8", 0, 48),
    ("int8", 0, 256),
    ("int8", 64, 64),
    ("int8", 32, 0),
    ("int4", 32, 32),
    ("int4", 96, 0),
    ("int4", 128, 128),
    ("bfloat16", 0, 0),
    ("float32", 0, 0),
)
SHAPES = ((1, 1), (16, 16), (17, 33), (64, 256), (130, 515), (75, 1029))  # n, k: whole and broken blocks, panels, steps and groups
ROWS = (0, 1, 7, 8, 9, 37, 1025)


def rows_of(count: int, columns: int, *, seed: int = 0) -> Tensor:
    """Normal numbers with a column far out, all of them bfloat16 ones: bfloat16 kernels may read x so."""
    x = torch.randn(count, columns, generator=torch.Generator().manual_seed(seed))
    x[:, columns // 2] *= 30
    return x.bfloat16().float()


def weight_of(kind: Kind, rows: int, columns: int, group: int) -> PackedWeight:
    """A packed weight with a bias."""
    generator = torch.Generator().manual_seed(rows + columns)
    weight = torch.randn(rows, columns, generator=generator) + 0.1
    return pack(weight, kind, group=group, bias=torch.randn(rows, generator=generator))


def compare(kind: Kind, group: int, x_group: int, shape: tuple[int, int], rows: int) -> float:
    """Largest difference between kernel and twin, relative to the largest value."""
    packed = weight_of(kind, *shape, group)
    x = rows_of(rows, shape[1])
    expected = twin.product(x, packed, x_group=x_group)
    found = linear.product(x, packed, x_group=x_group)
    assert found.shape == (rows, shape[0])
    return ((found - expected).abs().max() / expected.abs().max()).item() if rows else 0.0


def worst() -> float:
    """The largest of some differences; for processes that look at another build."""
    sizes = [((17, 33), 9), ((130, 515), 1), ((130, 515), 7), ((16, 16), 0)]
    return max(compare(kind, group, x_group, *size) for kind, group, x_group in CASES for size in sizes)
