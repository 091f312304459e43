"""What comes into linear layers while a model runs: how large each channel gets, how channels go together, and some rows to test on.

    block(hidden) --hooks--> LayerInputs: peaks [k], moments [k,k], rows [m,k]

Peaks and moments come from calibration samples, rows from held-out ones: what is chosen by the first is judged by the second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

ROWS = 384  # held-out rows a layer is judged on


@dataclass
class LayerInputs:
    """Inputs of one layer of k columns. moments: sum of x x^T over calibration rows, or None where nobody needs it."""

    peaks: Tensor
    moments: Tensor | None
    pieces: list[Tensor] = field(default_factory=list)

    @property
    def rows(self) -> Tensor:
        """Held-out rows, float32 [m,k]."""
        return torch.cat(self.pieces) if self.pieces else torch.empty(0, len(self.peaks))

    def take(self, x: Tensor, weights: Tensor | None = None) -> None:
        """Count calibration rows [...,k]; each by its weight [m], where given."""
        x = x.detach().float().flatten(0, -2)
        self.peaks = torch.maximum(self.peaks, x.abs().amax(0))
        if self.moments is not None:
            self.moments.addmm_(x.T, x if weights is None else x * weights[:, None])

    def keep(self, x: Tensor, rows: int, weights: Tensor | None = None) -> None:
        """Keep some of the held-out rows [...,k], at even distances by their weight [m]."""
        x = x.detach().flatten(0, -2)
        passed = (torch.ones(len(x)) if weights is None else weights).cumsum(0)
        places = torch.searchsorted(passed, torch.linspace(0, 1, min(rows, len(x)) + 2)[1:-1] * passed[-1])
        self.pieces.append(x[places].float())


class Watch:
    """Hooks on layers by name. `held_out` says which kind of sample runs, `weights` how much its rows count.

    calls: how many held-out samples there will be.
    """

    def __init__(self, layers: Mapping[str, nn.Module], *, moments: Collection[str], calls: int) -> None:
        self.held_out = False
        self.weights: Tensor | None = None
        self.inputs = {name: _empty(layer.in_features, name in moments) for name, layer in layers.items()}  # type: ignore[arg-type]
        self._layers, self._rows = layers, -(-ROWS // max(1, calls))

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        """Listen until the block ends."""
        handles = [layer.register_forward_pre_hook(self._hook(name)) for name, layer in self._layers.items()]
        try:
            yield self
        finally:
            for handle in handles:
                handle.remove()

    def _hook(self, name: str) -> Any:
        def seen(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if self.held_out:
                self.inputs[name].keep(inputs[0], self._rows, self.weights)
            else:
                self.inputs[name].take(inputs[0], self.weights)

        return seen


def _empty(columns: int, moments: bool) -> LayerInputs:
    return LayerInputs(torch.zeros(columns), torch.zeros(columns, columns) if moments else None)
