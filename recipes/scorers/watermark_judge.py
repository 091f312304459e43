"""From evidence by place to one probability: a logistic regression on whole pictures that training has not seen.

validation twins -> summary of the evidence [2n, 4] -> weights of `judge`, in place
"""

from __future__ import annotations

import random

import torch
from recipes.scorers.watermark_lesson import twins
from torch import Tensor
from torch.nn import functional

from internvl.pipelines.scorers.blocks import pixels_of
from internvl.pipelines.scorers.watermark_network import WatermarkNetwork, summary, worked

PAIRS = 300


def fit_judge(network: WatermarkNetwork, seed: int, *, pairs: int = PAIRS) -> None:
    """Fit on as many pairs as said, half of the pictures being marked."""
    source = random.Random(f"judge {seed}")
    seen, labels = [], []
    with torch.inference_mode():
        for _ in range(pairs):
            drawn = twins(source, "val")
            for picture, label in ((drawn.plain, 0.0), (drawn.mark.picture, 1.0)):
                seen.append(summary(network.where(pixels_of(worked(picture))))[0])
                labels.append(label)
    weight, bias = _regression(torch.stack(seen).clone(), torch.tensor(labels))
    with torch.no_grad():
        network.judge.weight.copy_(weight[None])
        network.judge.bias.fill_(float(bias))


def _regression(values: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Weights and bias, held small a little."""
    weight, bias = torch.zeros(values.shape[1], requires_grad=True), torch.zeros((), requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = functional.binary_cross_entropy_with_logits(values @ weight + bias, labels) + 1e-3 * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[arg-type]
    return weight.detach(), bias.detach()
