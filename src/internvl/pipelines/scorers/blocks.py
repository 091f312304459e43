"""Two parts that the scorers' networks are made of, and pixels as they take them.

    Convolution: [B, C, H, W] -> [B, D, H / stride, W / stride]      Residual: [B, C, H, W] -> the same shape

`Convolution` has a bias alone; training puts a batch norm behind each, which is folded into the bias before weights are shipped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy
import PIL.Image
import torch
from torch import Tensor, nn

# (channels in, channels out, kernel, stride, groups) -> a convolution of that kind
MakeConvolution: TypeAlias = Callable[[int, int, int, int, int], nn.Module]


def convolution(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Module:
    """A convolution as it is shipped. Even kernels are as wide as their stride and need no padding."""
    return nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2 if kernel % 2 else 0, groups=groups)


class Residual(nn.Module):
    """A look around in each channel, then a mix of the channels at each place, added to what came."""

    def __init__(self, channels: int, kernel: int, make: MakeConvolution) -> None:
        super().__init__()
        self.around = make(channels, channels, kernel, 1, channels)
        self.widen = make(channels, 2 * channels, 1, 1, 1)
        self.narrow = make(2 * channels, channels, 1, 1, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        mixed: Tensor = self.narrow(torch.relu(self.widen(self.around(maps))))
        return maps + mixed


def pixels_of(picture: PIL.Image.Image) -> Tensor:
    """An RGB picture as float[1, 3, H, W] of about -2 to 2, in the memory order that convolutions are fastest with."""
    values = torch.from_numpy(numpy.asarray(picture).copy())
    return centred(values[None].permute(0, 3, 1, 2))


def centred(pixels: Tensor) -> Tensor:
    """uint8[B, 3, H, W] -> float of the same shape, 0 to 255 moved to about -2 to 2."""
    return (pixels.float() - 118.0) / 60.0
