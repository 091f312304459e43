"""Where training starts: random weights, but positions that already tell who is whose neighbour, and patches blind to an even ground.

A character covers several patches, so nothing is read before patches find their neighbours. With sines and cosines of row and
column a shift is one linear map from the first step on. Heads that were set to look at the neighbours learned more slowly than random
ones. Everything is trained like any other weight.
"""

from __future__ import annotations

import torch
from recipes.nano.start import POSITION_SCALE, waves

from internvl.models.build import build_model
from internvl.models.config import InternVLConfig
from internvl.models.internvl import InternVL


def starting_model(config: InternVLConfig, *, seed: int) -> InternVL:
    """A model to be trained from nothing."""
    model = build_model(config, seed=seed)
    embeddings = model.vision_encoder.embeddings
    with torch.no_grad():
        embeddings.positions[0, 1:] = POSITION_SCALE * waves(embeddings.grid, config.vision.hidden_size)
        embeddings.patch.weight -= embeddings.patch.weight.mean(dim=(2, 3), keepdim=True)
    return model
