"""From real weights to integers: a grid of scales and zeros for each group of columns, and how weights are rounded onto it.

    weight [n,k] -> Grid: scales, zeros [n,groups] -> integers [n,k]     weight ~ (integer - zero) * scale

Three ways, each better for more work: to the nearest point; the same on a grid whose range is searched, so that a few large
weights don't make it coarse for all others; and one column after another, each next one making up for the errors before it, by
what the inputs look like (GPTQ: Frantar et al. 2022). Which one is kept is decided by the error on held-out inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from internvl.kernels.packed import LARGEST, Integers, padded, stored_scales
from internvl.quantize.formats import LayerFormat

Rounding: TypeAlias = Literal["nearest", "searched", "compensated"]

_SHRINKS = tuple(1.0 - 0.04 * step for step in range(12))  # of a group's range, down to 0.56
_DAMPING = 0.01  # of the mean diagonal, added to it: inputs that were hardly seen must not steer
_BLOCK = 128  # columns whose errors reach the others in one product
_PIECE = 1 << 17  # numbers of a weight whose grids are searched at a time


@dataclass(frozen=True)
class Grid:
    """The points that integers 0...largest stand for. scales, zeros: float32 [n, groups] of `width` columns each."""

    scales: Tensor
    zeros: Tensor
    width: int
    largest: int

    def integers(self, weight: Tensor) -> Integers:
        """Each weight [n,k] at its nearest point."""
        scales, zeros = self.spread(weight.shape[1])
        values = (weight.float() / scales).add_(zeros).round_().clamp_(0, self.largest)
        return self.of(values)

    def of(self, values: Tensor) -> Integers:
        """Whole numbers [n,k] with this grid's scales and zeros."""
        return Integers(values=values.to(torch.uint8), scales=self.scales, zeros=self.zeros.to(torch.uint8))

    def spread(self, columns: int) -> tuple[Tensor, Tensor]:
        """Scales and zeros of every column, [n,k]."""
        scales, zeros = (part.repeat_interleave(self.width, 1)[:, :columns] for part in (self.scales, self.zeros))
        return scales, zeros


def full_grid(weight: Tensor, layer: LayerFormat) -> Grid:
    """The grid over each group's whole range."""
    return _grid(*_ranges(_in_groups(weight, layer)), layer, weight.shape[1])


def searched_grid(weight: Tensor, layer: LayerFormat, importance: Tensor) -> Grid:
    """The grid whose range gives each group the least squared error, columns weighted by `importance` [k], squares of the inputs."""
    # A few rows at a time: what fits into a core's cache is searched in a third of the time.
    rows = max(1, _PIECE // weight.shape[1])
    pieces = [_searched(piece, layer, importance) for piece in weight.split(rows)]
    scales, zeros = torch.cat([piece.scales for piece in pieces]), torch.cat([piece.zeros for piece in pieces])
    return Grid(scales, zeros, pieces[0].width, pieces[0].largest)


def _searched(weight: Tensor, layer: LayerFormat, importance: Tensor) -> Grid:
    cells, heavy = _in_groups(weight, layer), _in_groups(importance[None], layer)
    low, high = _ranges(cells)
    best = full_grid(weight, layer)
    least = _errors(cells, heavy, best)
    scales, zeros = best.scales, best.zeros
    for shrink in _SHRINKS[1:]:
        grid = _grid(low * shrink, high * shrink, layer, weight.shape[1])
        errors = _errors(cells, heavy, grid)
        better = errors < least
        least = torch.where(better, errors, least)
        scales, zeros = torch.where(better, grid.scales, scales), torch.where(better, grid.zeros, zeros)
    return Grid(scales, zeros, best.width, best.largest)


def compensated(weight: Tensor, grid: Grid, moments: Tensor) -> Integers:
    """Integers chosen column by column, the largest inputs first; what a column lost is made up for by those after it.

    moments: [k,k], sum of x x^T over the inputs.
    """
    columns = weight.shape[1]
    order = moments.diagonal().argsort(descending=True, stable=True)
    steering = _steering(moments[order][:, order])
    # Transposed, so that a column of the weight lies in one piece.
    scales, zeros = (part[:, order].T.contiguous() for part in grid.spread(columns))
    work = weight[:, order].float().T.contiguous()
    values = torch.empty_like(work)
    for start in range(0, columns, _BLOCK):
        stop = min(start + _BLOCK, columns)
        errors = torch.empty(stop - start, work.shape[1])
        for i in range(start, stop):
            values[i] = (work[i] / scales[i]).add_(zeros[i]).round_().clamp_(0, grid.largest)
            errors[i - start] = (work[i] - (values[i] - zeros[i]) * scales[i]) / steering[i, i]
            work[i + 1 : stop].addr_(steering[i, i + 1 : stop], errors[i - start], alpha=-1)
        work[stop:] -= steering[start:stop, stop:].T @ errors
    restored = torch.empty(weight.shape)
    restored[:, order] = values.T
    return grid.of(restored)


def _steering(moments: Tensor) -> Tensor:
    """The upper Cholesky factor of the inverse, damped until there is one.

    It is the inverse of the factor of the matrix in reverse, itself in reverse: half the work of inverting first.
    """
    mean = moments.diagonal().mean().clamp_min(1e-12).double()
    damped = moments.double()
    for step in range(8):
        damped.diagonal().add_(mean * _DAMPING * 10**step)
        lower, failed = torch.linalg.cholesky_ex(damped.flip(0, 1))
        if not failed:
            whole = torch.eye(len(moments), dtype=lower.dtype)
            inverse: Tensor = torch.linalg.solve_triangular(lower, whole, upper=False)
            return inverse.flip(0, 1).float().contiguous()
    return torch.eye(len(moments))


def _grid(low: Tensor, high: Tensor, layer: LayerFormat, columns: int) -> Grid:
    largest = LARGEST[layer.kind]
    scales = stored_scales((high - low) / largest, layer.group)
    scales = torch.where(scales > 1e-30, scales, torch.ones_like(scales))
    return Grid(scales, (-low / scales).round().clamp(0, largest), layer.group or columns, largest)


def _errors(cells: Tensor, heavy: Tensor, grid: Grid) -> Tensor:
    scales, zeros = grid.scales[..., None], grid.zeros[..., None]
    rounded = (cells / scales).add_(zeros).round_().clamp_(0, grid.largest).sub_(zeros).mul_(scales)
    return rounded.sub_(cells).square_().mul_(heavy).sum(-1)


def _ranges(cells: Tensor) -> tuple[Tensor, Tensor]:
    """The smallest and largest value of each group, 0 among them: it is a point of every grid."""
    return cells.amin(-1).clamp_max(0), cells.amax(-1).clamp_min(0)


def _in_groups(weight: Tensor, layer: LayerFormat) -> Tensor:
    """[n,k] -> [n,groups,width]; a short last group is filled up with zeros."""
    width = layer.group or weight.shape[1]
    cells: Tensor = F.pad(weight.float(), (0, padded(weight.shape[1], width) - weight.shape[1])).unflatten(1, (-1, width))
    return cells
