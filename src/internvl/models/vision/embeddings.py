"""Patches and positions: pixels [T,3,h,w] -> tokens [T,1+N,D], the class token first.

The position table was made for one size; for another it is stretched by bicubic interpolation in float32 (InternVL 1.5,
section on dynamic resolution), the class position staying as it is.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from internvl.errors import MediaError
from internvl.models.config import VisionConfig


class Embeddings(nn.Module):
    """Convolution with stride = patch size, class token, learned positions."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        width, patch = config.hidden_size, config.patch_size
        self.patch_size = patch
        self.grid = config.grid
        self.patch = nn.Conv2d(config.num_channels, width, kernel_size=patch, stride=patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, 1 + config.grid**2, width))

    def forward(self, pixels: Tensor, *, kept: Tensor | None = None) -> Tensor:
        """[T,3,h,w] -> [T,1+N,D] with N = (h / patch) * (w / patch), row by row. h, w must be multiples of the patch size.

        kept: int64 [T,K]: only these patches, [T,1+K,D], each with its own position.
        """
        height, width = pixels.shape[-2:]
        if height % self.patch_size or width % self.patch_size:
            raise MediaError(f"tiles must be a multiple of {self.patch_size} px on each side, not {height} x {width}")
        cells = self.patch(pixels).flatten(2).transpose(1, 2)  # T,N,D
        tokens = torch.cat([self.class_token.expand(cells.shape[0], -1, -1), cells], dim=1)
        tokens = tokens + self.position_table(height // self.patch_size, width // self.patch_size)
        if kept is None:
            return tokens
        rows = F.pad(kept + 1, (1, 0))  # the class token is row 0
        return tokens.gather(1, rows[..., None].expand(-1, -1, tokens.shape[-1]))

    def position_table(self, rows: int, columns: int) -> Tensor:
        """Positions [1, 1 + rows * columns, D] for a grid of that size."""
        return stretch_positions(self.positions, self.grid, rows, columns)


def stretch_positions(table: Tensor, grid: int, rows: int, columns: int) -> Tensor:
    """A table [1, 1 + grid^2, D] for another grid, [1, 1 + rows * columns, D], in the table's type."""
    if (rows, columns) == (grid, grid):
        return table
    first, cells = table[:, :1], table[:, 1:]
    square = cells.float().reshape(1, grid, grid, -1).permute(0, 3, 1, 2)  # 1,D,grid,grid
    resized = F.interpolate(square, size=(rows, columns), mode="bicubic", align_corners=False)
    return torch.cat([first, resized.flatten(2).transpose(1, 2).to(table.dtype)], dim=1)
