"""The network that finds watermarks: where in the picture, then whether at all.

    RGB [B, 3, H, W] -> evidence [B, H/16, W/16] -> the means of its highest 4, 16 and 64 places, and of all -> logit [B]

About 370 x 370 px are looked at, so that strokes stay visible; each place sees some 300 px around itself.
"""

from __future__ import annotations

import math

import PIL.Image
import torch
from torch import Tensor, nn

from internvl.pipelines.scorers.blocks import MakeConvolution, Residual, convolution

STEP = 16  # px from one place of the evidence to the next
AREA = 368 * 368  # px
MULTIPLE = 2 * STEP
WIDEST = 3.0  # aspect; what is wider is squeezed to it
MOST_ENLARGED = 2.0
HIGHEST = (4, 16, 64)


class WatermarkNetwork(nn.Module):
    """See the file's docstring. make: what convolutions are, for training other than shipped."""

    def __init__(self, make: MakeConvolution = convolution) -> None:
        super().__init__()
        self.strokes = nn.Sequential(make(3, 16, 3, 2, 1), nn.ReLU(), make(16, 32, 3, 2, 1), nn.ReLU())
        self.to_middle = make(32, 48, 2, 2, 1)
        self.middle = nn.Sequential(Residual(48, 5, make), Residual(48, 5, make))
        self.to_coarse = make(48, 80, 2, 2, 1)
        self.coarse = nn.Sequential(*(Residual(80, 7, make) for _ in range(3)))
        self.evidence = nn.Conv2d(80, 1, 1)
        self.judge = nn.Linear(len(HIGHEST) + 1, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """float[B, 3, H, W], sides multiples of 32 -> logits of a watermark [B]."""
        return self.judged(self.where(pixels))

    def where(self, pixels: Tensor) -> Tensor:
        """float[B, 3, H, W] -> logits of watermark ink at each place, [B, H/16, W/16]."""
        maps = self.middle(torch.relu(self.to_middle(self.strokes(pixels))))
        maps = self.coarse(torch.relu(self.to_coarse(maps)))
        found: Tensor = self.evidence(torch.relu(maps))[:, 0]
        return found

    def judged(self, evidence: Tensor) -> Tensor:
        """[B, h, w] -> logits [B]."""
        logits: Tensor = self.judge(summary(evidence))[:, 0]
        return logits


def summary(evidence: Tensor) -> Tensor:
    """[B, h, w] -> [B, 4]: the means of the highest places, and of all."""
    places = evidence.flatten(1).sort(dim=1, descending=True).values
    return torch.stack([*(places[:, :count].mean(1) for count in HIGHEST), places.mean(1)], dim=1)


def working_size(width: int, height: int, area: int = AREA) -> tuple[int, int]:
    """(width, height) in px that a picture is looked at in: about `area`, its own aspect, sides multiples of 32."""
    aspect = min(max(width / height, 1 / WIDEST), WIDEST)
    area = min(area, round(MOST_ENLARGED**2 * width * height))
    across = math.sqrt(area * aspect)
    return _rounded(across), _rounded(across / aspect)


def worked(picture: PIL.Image.Image, area: int = AREA) -> PIL.Image.Image:
    """The picture at its working size."""
    return picture.resize(working_size(*picture.size, area), PIL.Image.Resampling.BICUBIC, reducing_gap=2.0)


def _rounded(side: float) -> int:
    return max(3 * MULTIPLE, round(side / MULTIPLE) * MULTIPLE)
