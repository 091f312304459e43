"""The reading head: a linear classifier of what stands at three places of each patch.

    patch vectors [T,256,C] -> norm -> one map for each place -> glyph vector [120] -> logits over the characters

The vectors of the characters are given and stay (recipes/nano/model/glyph_vectors.py). An encoder learns glyphs many times faster from
a hundred answers a tile than from one sentence a picture, so training begins with this head alone. It is dropped when the language
model takes over.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from recipes.nano.model.characters import characters
from recipes.nano.model.crowded import SLOTS
from recipes.nano.model.glyph_vectors import glyph_vectors
from torch import Tensor, nn

TEXT_PLACES, EMPTY_PLACES = 112, 16  # asked of each tile


class ReadingHead(nn.Module):
    """Patch vectors -> logits of the characters at asked places; class 0 is nothing."""

    vectors: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.places = nn.Linear(width, SLOTS * width)
        vectors = glyph_vectors()
        self.glyph = nn.Linear(width, vectors.shape[1])
        self.register_buffer("vectors", vectors)
        self.bias = nn.Parameter(_log_shares())

    def forward(self, patches: Tensor, asked: Tensor) -> Tensor:
        """patches [T,N,C], asked int64 [n] (flat index into T x N x 3) -> logits [n, characters + 1]."""
        flat = patches.flatten(0, 1)[asked // SLOTS]
        vectors = self.places(self.norm(flat)).unflatten(-1, (SLOTS, -1))
        chosen = vectors[torch.arange(len(asked), device=asked.device), asked % SLOTS]
        return F.linear(self.glyph(F.gelu(chosen)), self.vectors, self.bias)


def _log_shares() -> Tensor:
    """How often each class is about to come, as logarithms. From zeros the encoder would first learn to say "no hanzi" by one large
    vector in all patches, beside which what they show is lost in the norms, and would never find back."""
    shares = [0.1, *(0.6 / 95 if character.isascii() else 0.3 / len(characters()) for character in characters())]
    return torch.tensor(shares).log()


def choose_places(classes: NDArray[np.int16], generator: np.random.Generator) -> NDArray[np.int64]:
    """Which of the 768 places of a tile are asked, [96]: mostly text, and each character about as often however large it is."""
    flat = classes.reshape(-1)
    text, empty = np.flatnonzero(flat > 0), np.flatnonzero(flat == 0)
    chosen = []
    if len(text):
        counts = np.bincount(flat[text])[flat[text]]
        weights = counts**-0.7
        chosen.append(generator.choice(text, TEXT_PLACES, p=weights / weights.sum()))
    others = TEXT_PLACES + EMPTY_PLACES - sum(map(len, chosen))
    chosen.append(generator.choice(empty if len(empty) else text, others))
    return np.concatenate(chosen)
