"""Muon for the matrices inside the blocks, AdamW for everything else, in one optimiser.

    gradient -> momentum (Nesterov) -> nearest orthogonal matrix, by five steps of Newton and Schulz -> step of size lr

After K. Jordan's Muon (2024). A small model trained from nothing learns from far fewer examples with it than with AdamW alone; a
released model that is finetuned has no need of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95
# A polynomial that takes any singular value in (0, 1] close to 1 when applied five times.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


class MuonAdamW(torch.optim.Optimizer):
    """AdamW over groups, and Muon over those with "matrix": True, whose parameters must be matrices. A group's lr is its own."""

    def __init__(
        self, groups: Iterable[dict[str, Any]], *, lr: float, betas: tuple[float, float], eps: float, weight_decay: float
    ) -> None:
        super().__init__(list(groups), {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "matrix": False})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step of every parameter that has a gradient."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            learning = [parameter for parameter in group["params"] if parameter.grad is not None]
            if group["matrix"]:
                self._step_matrices(group, learning)
            else:
                self._step_others(group, learning)
        return loss

    def _step_matrices(self, group: dict[str, Any], parameters: list[torch.nn.Parameter]) -> None:
        by_shape: dict[tuple[torch.Size, torch.device], list[torch.nn.Parameter]] = {}
        for parameter in parameters:
            by_shape.setdefault((parameter.shape, parameter.device), []).append(parameter)
        for alike in by_shape.values():
            # Matrices of one shape are made orthogonal together: one product of a stack instead of many small ones.
            updates = orthogonal(torch.stack([self._momentum(parameter) for parameter in alike]))
            for parameter, update in zip(alike, updates, strict=True):
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                # Tall matrices map to more outputs than inputs: their step is longer, so that outputs change alike.
                parameter.add_(update, alpha=-group["lr"] * max(1.0, parameter.shape[0] / parameter.shape[1]) ** 0.5)

    def _momentum(self, parameter: torch.nn.Parameter) -> Tensor:
        assert parameter.grad is not None
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum: Tensor = state["momentum"]
        momentum.lerp_(parameter.grad, 1 - MOMENTUM)
        return parameter.grad.lerp(momentum, MOMENTUM)

    def _step_others(self, group: dict[str, Any], parameters: list[torch.nn.Parameter]) -> None:
        beta1, beta2 = group["betas"]
        for parameter in parameters:
            assert parameter.grad is not None
            state = self.state[parameter]
            if "step" not in state:
                state["step"] = torch.zeros((), device=parameter.device)
                state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
            state["step"] += 1
            count = float(state["step"])
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            state["exp_avg"].lerp_(parameter.grad, 1 - beta1)
            state["exp_avg_sq"].mul_(beta2).addcmul_(parameter.grad, parameter.grad, value=1 - beta2)
            scale = (state["exp_avg_sq"] / (1 - beta2**count)).sqrt_().add_(group["eps"])
            parameter.addcdiv_(state["exp_avg"], scale, value=-group["lr"] / (1 - beta1**count))


def orthogonal(stack: Tensor) -> Tensor:
    """Matrices [n,R,C] with the same singular vectors and singular values near 1. On a GPU in bfloat16, which is exact enough."""
    x = stack.to(torch.bfloat16) if stack.is_cuda else stack.float()
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x.mT if tall else x
    return result.to(stack.dtype)
