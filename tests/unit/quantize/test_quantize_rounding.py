"""Weights to integers: every grid has zero, a searched range is never worse, and compensated errors are smaller where it counts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from internvl.kernels.packed import unpack
from internvl.quantize.formats import LayerFormat
from internvl.quantize.packing import packed_nearest, packed_of, with_bias
from internvl.quantize.rounding import compensated, full_grid, searched_grid

INT4 = LayerFormat(kind="int4", group=32, input_group=32)
INT8 = LayerFormat(kind="int8")


def heavy_tailed(rows: int, columns: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(rows, columns, generator=generator) ** 3


def correlated(rows: int, columns: int, seed: int) -> Tensor:
    """Inputs of few directions, as those of a model are."""
    mixing = torch.randn(8, columns, generator=torch.Generator().manual_seed(7))
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 8, generator=generator) @ mixing + 0.1 * torch.randn(rows, columns, generator=generator)


@pytest.mark.parametrize("form", [INT4, INT8], ids=["int4", "int8"])
@pytest.mark.parametrize("columns", [64, 80, 7])
def test_a_full_grid_is_what_packing_takes(form: LayerFormat, columns: int) -> None:
    weight = heavy_tailed(24, columns)
    made = packed_of(full_grid(weight, form).integers(weight), form)
    assert torch.equal(unpack(made), unpack(packed_nearest(weight, form)))


@pytest.mark.parametrize("form", [INT4, INT8], ids=["int4", "int8"])
def test_zero_is_a_point_and_constants_survive(form: LayerFormat) -> None:
    for weight in (torch.zeros(16, 32), torch.full((16, 32), -0.75), torch.full((16, 32), 2.0)):
        restored = unpack(packed_of(full_grid(weight, form).integers(weight), form))
        torch.testing.assert_close(restored, weight, rtol=0.005, atol=0)
    shifted = heavy_tailed(16, 32).abs() + 1
    shifted[:, 5] = 0
    assert torch.equal(unpack(packed_nearest(shifted, form))[:, 5], torch.zeros(16))


def test_a_searched_range_is_never_worse_and_mostly_better() -> None:
    weight, importance = heavy_tailed(48, 96), torch.rand(96, generator=torch.Generator().manual_seed(2)) + 0.1
    full, searched = (
        ((unpack(packed_of(grid.integers(weight), INT4)) - weight).square() * importance).unflatten(1, (-1, 32)).sum(-1)
        for grid in (full_grid(weight, INT4), searched_grid(weight, INT4, importance))
    )
    assert (searched <= full * (1 + 1e-5)).all()
    assert searched.sum() < 0.97 * full.sum()


@pytest.mark.parametrize("columns", [64, 160, 200])
def test_compensation_lowers_the_error_of_outputs_that_were_not_calibrated_on(columns: int) -> None:
    weight, seen, unseen = heavy_tailed(32, columns), correlated(400, columns, 2), correlated(100, columns, 3)
    grid = searched_grid(weight, INT4, seen.square().mean(0))
    nearest, careful = grid.integers(weight), compensated(weight, grid, seen.T @ seen)
    errors = [float((unseen @ (unpack(packed_of(each, INT4)) - weight).T).norm()) for each in (nearest, careful)]
    assert errors[1] < 0.6 * errors[0], errors
    assert int(careful.values.max()) <= 15


def test_compensation_takes_inputs_that_say_nothing() -> None:
    weight = heavy_tailed(16, 64)
    grid = full_grid(weight, INT4)
    silent = compensated(weight, grid, torch.zeros(64, 64))
    assert torch.equal(silent.values, grid.integers(weight).values)
    dead = torch.diag(torch.cat([torch.ones(32), torch.zeros(32)]))
    assert torch.isfinite(unpack(packed_of(compensated(weight, grid, dead), INT4))).all()


@pytest.mark.parametrize("form", [INT4, INT8], ids=["int4", "int8"])
def test_packing_in_pieces_gives_the_same(form: LayerFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    weight, bias = heavy_tailed(75, 64), torch.arange(75.0)
    whole = packed_nearest(weight, form, bias)
    monkeypatch.setattr("internvl.quantize.packing._PIECE", 1)
    pieces = packed_nearest(weight, form, bias)
    for name in ("data", "scales", "zeros", "bias"):
        assert torch.equal(getattr(whole, name), getattr(pieces, name)), name
    assert torch.equal(with_bias(packed_nearest(weight, form), bias).bias, whole.bias)  # type: ignore[arg-type]
