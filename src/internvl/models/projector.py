"""From vision to language: pixel shuffle, then a two-layer MLP (InternVL 1.5, section 3.1).

patches [T,g,g,C] -> shuffle by k -> [T,g/k,g/k,k*k*C] -> LayerNorm, Linear, GELU, Linear -> visual tokens [T,V,D]
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from internvl.models.config import InternVLConfig
from internvl.models.linear import Linear


class Projector(nn.Module):
    """LayerNorm(k*k*C), Linear to the language width, GELU, Linear."""

    def __init__(self, config: InternVLConfig) -> None:
        super().__init__()
        width_in = config.vision.hidden_size * config.shuffle**2
        width_out = config.language.hidden_size
        self.k = config.shuffle
        self.transposed = config.pixel_shuffle == "v1"
        self.norm = nn.LayerNorm(width_in)
        self.up = Linear(width_in, width_out)
        self.out = Linear(width_out, width_out)

    def forward(self, patches: Tensor) -> Tensor:
        """Patch vectors without the class token, [T,g*g,C] -> [T,V,D]."""
        tiles, cells, width = patches.shape
        side = round(cells**0.5)
        shuffled = pixel_shuffle(patches.view(tiles, side, side, width), self.k, transposed=self.transposed)
        return self.out(F.gelu(self.up(self.norm(shuffled.flatten(1, 2)))))


def pixel_shuffle(cells: Tensor, k: int, *, transposed: bool) -> Tensor:
    """[T,h,w,C] -> [T,h/k,w/k,k*k*C]: each k x k square of cells becomes one, its vectors joined row by row.

    `transposed` is version 1 (Chat-V1-1 and V1-2), whose output grid is mirrored at the diagonal: [T,w/k,h/k,k*k*C]. A model
    trained with one version reads scrambled positions under the other.
    """
    tiles, height, width, channels = cells.shape
    squares = cells.view(tiles, height // k, k, width // k, k, channels)
    order = (0, 3, 1, 2, 4, 5) if transposed else (0, 1, 3, 2, 4, 5)
    rows, columns = (width // k, height // k) if transposed else (height // k, width // k)
    return squares.permute(order).reshape(tiles, rows, columns, k * k * channels)
