"""Large channels of a layer's input, moved into its weight before both are rounded (SmoothQuant: Xiao et al. 2023).

    norm(x) * w  @ W.T   =   (norm(x) * w/s) @ (W*s).T        s [k]: one scale for each channel

A norm stands in front of the layers that this is done for, so that the division costs nothing. Scales are powers of two: dividing the
norm's weight by one changes no bit of its fraction, so nothing is lost where the rest of the model stays as it is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# How much of a channel's range is moved into the weight; which one, or none, the error on held-out inputs decides.
STRENGTHS = (0.35, 0.5, 0.65)
_MOST = 16.0  # no scale beyond 2^±4: a channel that was hardly seen must not blow its weights up


def channel_scales(input_peaks: Tensor, weight: Tensor, strength: float) -> Tensor:
    """Scales [k] from the largest input [k] and the largest weight of each channel, powers of two around 1."""
    inputs = input_peaks.float().clamp_min(1e-5)
    weights = weight.float().abs().amax(0).clamp_min(1e-5)
    scales = inputs**strength / weights ** (1 - strength)
    scales = scales / scales.log().mean().exp()
    return scales.clamp(1 / _MOST, _MOST).log2().round().exp2()


def divided_norm(norm: nn.Module, scales: Tensor) -> nn.Module:
    """A norm whose output is that of `norm` divided by the scales. The old one stays as it is."""
    from copy import copy

    divided = copy(norm)
    divided._parameters = {
        name: None if parameter is None else nn.Parameter((parameter.detach() / scales.to(parameter)), requires_grad=False)
        for name, parameter in norm._parameters.items()
    }
    return divided


def changes_nothing(scales: Tensor) -> bool:
    """Whether all scales are 1."""
    return bool(torch.all(scales == 1))
