"""Where training starts: random weights, but positions that already tell who is whose neighbour, and patches blind to an even ground.

A character covers several patches, so nothing is read before patches find their neighbours. With sines and cosines of row and
column a shift is one linear map from the first step on. Heads that were set to look at the neighbours learned more slowly than random
ones. The language model knows which characters look alike, and so whose visual tokens do. Everything is trained like any other weight.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from recipes.nano.start import POSITION_SCALE, waves
from torch import Tensor

from internvl.models.build import build_model
from internvl.models.config import InternVLConfig
from internvl.models.internvl import InternVL
from internvl.models.language.decoder import Decoder


def starting_model(config: InternVLConfig, *, seed: int) -> InternVL:
    """A model to be trained from nothing."""
    model = build_model(config, seed=seed)
    embeddings = model.vision_encoder.embeddings
    with torch.no_grad():
        embeddings.positions[0, 1:] = POSITION_SCALE * waves(embeddings.grid, config.vision.hidden_size)
        embeddings.patch.weight -= embeddings.patch.weight.mean(dim=(2, 3), keepdim=True)
    return model


@torch.no_grad()
def name_by_glyphs(decoder: Decoder, vectors: Tensor, ids: Sequence[int]) -> None:
    """Give characters rows of embedding and head in which look-alikes are near, as long as the random ones they replace.

    vectors: [characters + 1, d], of length 1, row 0 of nothing (`ReadingHead.vectors`). ids: the token of each character.
    """
    rows = decoder.embedding.weight
    generator = torch.Generator().manual_seed(0)
    # Random directions that keep angles: glyphs go to a part of the width, what else a token means has the rest.
    directions = torch.nn.init.orthogonal_(torch.empty(rows.shape[1], vectors.shape[1]), generator=generator)
    glyphs = vectors[1:] @ directions.T * rows.norm(dim=1).mean()
    for table in (decoder.embedding, decoder.head):
        if table is not None:
            table.weight[torch.tensor(ids)] = glyphs
