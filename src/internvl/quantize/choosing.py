"""How one layer is quantised best: every way is tried, and the one whose output is nearest to the layer's own on held-out rows is kept.

weight [n,k], LayerInputs -> smoothing or none -> rounding -> error of the real product -> Choice
too large an error -> the next higher kind: int4, int8, float
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from internvl.kernels.linear import product
from internvl.kernels.packed import Integers, PackedWeight
from internvl.quantize.formats import LayerFormat, format_for
from internvl.quantize.layer_inputs import LayerInputs
from internvl.quantize.packing import packed_nearest, packed_of, with_bias
from internvl.quantize.plan import PackedKind, QuantPlan
from internvl.quantize.rounding import Rounding, compensated, searched_grid
from internvl.quantize.smoothing import STRENGTHS, changes_nothing, channel_scales

_WORTHWHILE = 0.98  # of the error: a way that is more than plain must earn it
_PIECE = 1 << 16  # rows of a weight whose true product is computed at a time


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What became of a layer. packed and form are None where it stays float. scales: by which the norm in front is to be divided.

    error: of the output on held-out rows, root mean square relative to the output's own; None where no row was seen.
    """

    name: str
    packed: PackedWeight | None = None
    form: LayerFormat | None = None
    scales: Tensor | None = None
    rounding: Rounding = "nearest"
    strength: float = 0.0
    error: float | None = None


def choose(
    name: str, weight: Tensor, bias: Tensor | None, inputs: LayerInputs | None, plan: QuantPlan, *, smooths: bool = False
) -> Choice:
    """The best way to store a layer of this name. smooths: a norm stands in front whose weight can be divided."""
    kind = plan.kind_of(name)
    choice = Choice(name=name)
    while kind != "float":
        choice = _best(name, weight, kind, inputs, plan, smooths=smooths)
        limit = plan.int4_limit if kind == "int4" else plan.int8_limit
        if choice.error is None or choice.error <= limit:
            return choice if bias is None or choice.packed is None else _biased(choice, choice.packed, bias)
        kind = "int8" if kind == "int4" else "float"
    return Choice(name=name)


def relative_error(found: Tensor, truth: Tensor) -> float:
    """Root mean square of the difference, relative to that of the truth."""
    return float((found - truth).norm() / truth.norm().clamp_min(1e-30))


def _best(name: str, weight: Tensor, kind: PackedKind, inputs: LayerInputs | None, plan: QuantPlan, *, smooths: bool) -> Choice:
    form = format_for(name, kind, weight.shape[1], plan.group)
    if inputs is None or not len(inputs.rows):
        return Choice(name=name, packed=packed_nearest(weight, form), form=form)
    trial = _Trial(name, weight, form, inputs)
    best = trial.nearest(None, 0.0)
    for strength in STRENGTHS if smooths else ():
        scales = channel_scales(inputs.peaks, weight, strength)
        if not changes_nothing(scales):
            best = _better(best, trial.nearest(scales, strength))
    if kind == "int4" and inputs.moments is not None:
        for rounded in trial.careful(best, inputs.moments):
            best = _better(best, rounded)
    return best


@dataclass(frozen=True)
class _Trial:
    """A layer on which ways are tried."""

    name: str
    weight: Tensor
    form: LayerFormat
    inputs: LayerInputs

    def nearest(self, scales: Tensor | None, strength: float) -> Choice:
        """Smoothed or not, to the nearest integers."""
        packed = packed_nearest(self._scaled(scales), self.form)
        return self._judged(packed, scales, "nearest", strength)

    def careful(self, plain: Choice, moments: Tensor) -> list[Choice]:
        """As smoothed as `plain`, with its range searched, and with errors compensated too."""
        scales = plain.scales
        weight = self._scaled(scales).float()
        seen = moments if scales is None else moments / scales[:, None] / scales
        grid = searched_grid(weight, self.form, seen.diagonal())
        ways: list[tuple[Rounding, Integers]] = [("searched", grid.integers(weight)), ("compensated", compensated(weight, grid, seen))]
        return [self._judged(packed_of(integers, self.form), scales, way, plain.strength) for way, integers in ways]

    def _scaled(self, scales: Tensor | None) -> Tensor:
        return self.weight if scales is None else self.weight.float() * scales

    def _judged(self, packed: PackedWeight, scales: Tensor | None, rounding: Rounding, strength: float) -> Choice:
        rows = self.inputs.rows
        found = product(rows if scales is None else rows / scales, packed, x_group=self.form.input_group)
        error = relative_error(found, self._truth)
        return Choice(name=self.name, packed=packed, form=self.form, scales=scales, rounding=rounding, strength=strength, error=error)

    @cached_property
    def _truth(self) -> Tensor:
        return torch.cat([self.inputs.rows @ piece.float().T for piece in self.weight.split(_PIECE)], dim=1)


def _better(known: Choice, other: Choice) -> Choice:
    if known.error is None or other.error is None:
        return known
    return other if other.error < known.error * _WORTHWHILE else known


def _biased(choice: Choice, packed: PackedWeight, bias: Tensor) -> Choice:
    return replace(choice, packed=with_bias(packed, bias))
