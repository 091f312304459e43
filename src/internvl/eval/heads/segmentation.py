"""Segmentation heads on maps of a plain vision transformer, as mmsegmentation 0.30 builds them.

one map [n,D,r,c] -> LinearHead: batch norm, 1x1 -> [n,K,r,c]
four maps -> FeaturePyramid: x4, x2, x1, x1/2 -> UperNet: pyramid pooling, top-down sums, fusion -> [n,K,4r,4c]
                                              -> ConvHead on one of them, only while training
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

POOL_SIZES = (1, 2, 3, 6)


class LinearHead(nn.Module):
    """Batch norm and one 1x1 convolution: the probe of a map."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width)
        self.classify = _classifier(width, classes)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """[n,D,r,c] (one map) -> [n,K,r,c]."""
        logits: Tensor = self.classify(self.norm(maps[-1]))
        return logits


class FeaturePyramid(nn.Module):
    """Four maps of one size as four sizes, by transposed convolutions and pooling."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.times4 = nn.Sequential(_doubled(width), _MapNorm(width), nn.GELU(), _doubled(width))
        self.times2 = _doubled(width)
        self.smaller = nn.MaxPool2d(kernel_size=2, stride=2)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """4 x [n,D,r,c] -> [n,D,4r,4c], [n,D,2r,2c], [n,D,r,c], [n,D,r/2,c/2]."""
        first, second, third, last = maps
        return [self.times4(first), self.times2(second), third, self.smaller(last)]


class UperNet(nn.Module):
    """Xiao et al. 2018: pooled context on the smallest map, summed into the larger ones, all fused at the largest."""

    def __init__(self, width: int, classes: int, *, channels: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.pools = nn.ModuleList(nn.Sequential(nn.AdaptiveAvgPool2d(size), _conv(width, channels, 1)) for size in POOL_SIZES)
        self.context = _conv(width + len(POOL_SIZES) * channels, channels, 3)
        self.laterals = nn.ModuleList(_conv(width, channels, 1) for _ in range(3))
        self.smooth = nn.ModuleList(_conv(channels, channels, 3) for _ in range(3))
        self.fuse = _conv(4 * channels, channels, 3)
        self.dropout = nn.Dropout2d(dropout)
        self.classify = _classifier(channels, classes)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """The four maps of a pyramid, the largest [n,D,R,C] first -> [n,K,R,C]."""
        levels = [lateral(each) for lateral, each in zip(self.laterals, maps[:3], strict=True)]
        levels.append(self._context(maps[3]))
        for index in (2, 1, 0):
            levels[index] = levels[index] + _resized(levels[index + 1], levels[index])
        smoothed = [smooth(level) for smooth, level in zip(self.smooth, levels[:3], strict=True)]
        fused = self.fuse(torch.cat([_resized(level, levels[0]) for level in (*smoothed, levels[3])], dim=1))
        logits: Tensor = self.classify(self.dropout(fused))
        return logits

    def _context(self, smallest: Tensor) -> Tensor:
        pooled = [_resized(pool(smallest), smallest) for pool in self.pools]
        context: Tensor = self.context(torch.cat([smallest, *pooled], dim=1))
        return context


class ConvHead(nn.Module):
    """One 3x3 convolution and a classifier on one map of the pyramid: UperNet's second loss."""

    def __init__(self, width: int, classes: int, *, channels: int, level: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.level = level
        self.conv = _conv(width, channels, 3)
        self.dropout = nn.Dropout2d(dropout)
        self.classify = _classifier(channels, classes)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """[n,D,R,C] at its level -> [n,K,R,C]."""
        logits: Tensor = self.classify(self.dropout(self.conv(maps[self.level])))
        return logits


class _MapNorm(nn.Module):
    """Layer norm over the channels of a map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """[n,D,r,c] -> [n,D,r,c]."""
        normed: Tensor = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return normed


def _conv(inputs: int, outputs: int, size: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


def _doubled(width: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(width, width, kernel_size=2, stride=2)


def _classifier(width: int, classes: int) -> nn.Conv2d:
    conv = nn.Conv2d(width, classes, 1)
    nn.init.normal_(conv.weight, std=0.01)
    nn.init.zeros_(torch.as_tensor(conv.bias))
    return conv


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
