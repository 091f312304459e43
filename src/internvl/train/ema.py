"""A running mean of the weights that learn, for evaluating and saving smoother weights than the last step's.

    mean <- d * mean + (1 - d) * weight,  d = min(decay, (1 + n) / (10 + n)) after n updates

Small d at first, so that a short run's mean is not its starting point. Means lie where their weights do, in float32, and are
shards where these are shards (DTensor): the arithmetic is elementwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from internvl.errors import CheckpointError, ConfigError


class RunningMean:
    """Of every parameter that requires a gradient when this is made."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        if not 0.0 < decay < 1.0:
            raise ConfigError(f"the decay of the running mean must lie in (0, 1), not {decay}")
        self.decay = decay
        self.updates = 0
        self._weights = {name: p for name, p in model.named_parameters() if p.requires_grad}
        if not self._weights:
            raise ConfigError("nothing learns, so there is nothing to take a mean of")
        self.means = {name: p.detach().float().clone() for name, p in self._weights.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights in as they are now: once after each step."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, weight in self._weights.items():
            self.means[name].lerp_(weight.detach().float(), 1.0 - decay)
        self.updates += 1

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Within it the model has the means as its weights; afterwards its own again, to the bit."""
        own = {name: weight.detach().clone() for name, weight in self._weights.items()}
        try:
            self._assign(self.means)
            yield
        finally:
            self._assign(own)

    def state_dict(self) -> dict[str, Any]:
        """{"updates": n, "means": {name: tensor}}; the tensors are the means themselves, not copies."""
        return {"updates": self.updates, "means": dict(self.means)}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state. CheckpointError when it is of other weights."""
        means: dict[str, Tensor] = state["means"]
        if set(means) != set(self.means):
            other = sorted(set(means) ^ set(self.means))
            raise CheckpointError(f"the running mean is of other weights: {len(other)} names differ, first {other[0]!r}")
        for name, mean in means.items():
            if mean.shape != self.means[name].shape:
                raise CheckpointError(
                    f"the running mean of {name} has the shape {list(mean.shape)}, not {list(self.means[name].shape)}"
                )
        for name, mean in means.items():
            self.means[name].copy_(mean)
        self.updates = int(state["updates"])

    @torch.no_grad()
    def _assign(self, values: dict[str, Tensor]) -> None:
        for name, weight in self._weights.items():
            weight.copy_(values[name])
