"""Packing: what is unpacked is the nearest the kind can say, by rows too, and impossible wishes are refused."""

from __future__ import annotations

import pytest
import torch

from internvl.errors import ConfigError
from internvl.kernels.packed import Integers, Kind, integer_values, pack, pack_integers, quantise, unpack, unpack_rows


@pytest.mark.parametrize(("kind", "group", "steps"), [("int8", 0, 255), ("int8", 64, 255), ("int4", 32, 15), ("int4", 128, 15)])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (33, 100), (16, 256)])
def test_unpacked_is_within_half_a_step(kind: Kind, group: int, steps: int, symmetric: bool, shape: tuple[int, int]) -> None:
    weight = torch.randn(shape) + 0.3
    packed = pack(weight, kind, group=group, symmetric=symmetric)
    width = group or shape[1]
    whole = torch.nn.functional.pad(weight, (0, -shape[1] % width)).view(shape[0], -1, width)
    span = 2 * whole.abs().amax(-1) if symmetric else whole.amax(-1).clamp(min=0) - whole.amin(-1).clamp(max=0)
    # A bfloat16 scale may be 0.4 % too small, which the far end of the range meets in full; a rounded zero point adds its half step.
    allowed = span / (steps - symmetric) * (0.5 + 0.5 * (not symmetric) + 0.004 * steps * (group > 0)) + 1e-6
    error = torch.nn.functional.pad(unpack(packed) - weight, (0, -shape[1] % width)).view_as(whole).abs().amax(-1)
    assert (error <= allowed).all()


@pytest.mark.parametrize(("kind", "dtype"), [("bfloat16", torch.bfloat16), ("float32", torch.float32)])
def test_floating_kinds_are_exact(kind: Kind, dtype: torch.dtype) -> None:
    weight = torch.randn(19, 45).to(dtype)
    assert torch.equal(unpack(pack(weight, kind)), weight.float())


@pytest.mark.parametrize(("kind", "group"), [("int8", 0), ("int4", 32), ("float32", 0)])
def test_some_rows_are_those_of_the_whole(kind: Kind, group: int) -> None:
    packed = pack(torch.randn(50, 70), kind, group=group)
    rows = torch.tensor([[3, 49, 3], [16, 0, 15]])
    assert torch.equal(unpack_rows(packed, rows), unpack(packed)[rows])


def test_integers_are_kept() -> None:
    values = torch.randint(0, 16, (21, 75), dtype=torch.uint8)
    integers = Integers(values=values, scales=torch.rand(21, 3), zeros=torch.randint(0, 16, (21, 3), dtype=torch.uint8))
    packed = pack_integers(integers, "int4", group=32)
    assert torch.equal(integer_values(packed, torch.arange(21))[:, :75], values)
    assert packed.data.shape == (2, 12, 16, 4)
    assert packed.nbytes == packed.data.nbytes + 2 * 3 * 16 * 3


def test_a_row_of_zeros_stays_zero() -> None:
    weight = torch.randn(4, 64)
    weight[2] = 0
    for kind, group in (("int8", 0), ("int4", 32)):
        assert (unpack(pack(weight, kind, group=group))[2] == 0).all()  # type: ignore[arg-type]


def test_quantising_is_deterministic_and_keeps_zero() -> None:
    weight = torch.cat([torch.zeros(8, 32), torch.rand(8, 32) + 1], 1)
    assert (unpack(pack(weight, "int4", group=64))[:, :32] == 0).all()
    assert torch.equal(quantise(weight, "int4", group=64).values, quantise(weight, "int4", group=64).values)


@pytest.mark.parametrize(
    ("shape", "kind", "group", "said"),
    [
        ((4, 4), "int4", 0, "needs? a group|need a group"),
        ((4, 4), "int8", 24, "not 24"),
        ((4, 4), "bfloat16", 32, "is 0, not 32"),
        ((0, 4), "int8", 0, "at least 1"),
        ((4,), "int8", 0, "rows, columns"),
        ((4, 4), "int3", 32, "'int3'"),
    ],
)
def test_the_impossible_is_refused(shape: tuple[int, ...], kind: Kind, group: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        pack(torch.ones(shape), kind, group=group)
    with pytest.raises(ConfigError, match="bias"):
        pack(torch.ones(4, 4), "int8", bias=torch.ones(3))
