"""Where training starts: random weights, but positions that already tell who is whose neighbour, and patches blind to an even ground.

A character covers several patches, so nothing is read before patches find their neighbours. With sines and cosines of row and
column a shift is one linear map from the first step on. Heads that were set to look at the neighbours learned more slowly than random
ones. Everything is trained like any other weight.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from internvl.models.build import build_model
from internvl.models.config import InternVLConfig
from internvl.models.internvl import InternVL

POSITION_SCALE = 0.5


def starting_model(config: InternVLConfig, *, seed: int) -> InternVL:
    """A model to be trained from nothing."""
    model = build_model(config, seed=seed)
    embeddings = model.vision_encoder.embeddings
    with torch.no_grad():
        embeddings.positions[0, 1:] = POSITION_SCALE * waves(embeddings.grid, config.vision.hidden_size)
        embeddings.patch.weight -= embeddings.patch.weight.mean(dim=(2, 3), keepdim=True)
    return model


def waves(grid: int, width: int) -> Tensor:
    """Sines and cosines of row and column in `width / 4` frequencies, [grid * grid, width]; wavelengths from 4 cells to 8 grids."""
    count = width // 4
    shortest, longest = 4.0, 8.0 * grid
    lengths = shortest * (longest / shortest) ** (torch.arange(count) / max(1, count - 1))
    angles = torch.arange(grid)[:, None] * (2 * math.pi / lengths)  # grid, count
    axis = torch.cat([angles.sin(), angles.cos()], dim=1)  # grid, width / 2
    rows = axis[:, None].expand(grid, grid, -1)
    columns = axis[None].expand(grid, grid, -1)
    return torch.cat([rows, columns], dim=-1).reshape(grid * grid, -1)
