"""The reading head: a linear classifier on each patch vector, "what stands here, and in which colour?".

An encoder learns glyphs several times faster from 64 answers a tile than from one sentence a picture, so training begins with this
head alone and keeps it, with a small weight, beside the answers. It is dropped when the model is exported.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from recipes.nano.lexicon import COLOURS
from recipes.nano.tiles import IGNORED, THING_CLASSES
from torch import Tensor, nn

EMPTY_WEIGHT = 0.2  # most patches are empty; at full weight "nothing here" drowns the glyphs


class ReadingHead(nn.Module):
    """Patch vectors [T,N,C] -> logits of things [T,N,things] and colours [T,N,colours]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.things = nn.Linear(width, THING_CLASSES)
        self.colours = nn.Linear(width, len(COLOURS))

    def loss(self, patches: Tensor, things: Tensor, colours: Tensor) -> Tensor:
        """Mean cross-entropy of both over the patches that count; targets int64 [T,N], -100 where nothing is asked."""
        flat, things, colours = self.norm(patches).flatten(0, 1), things.flatten(), colours.flatten()
        weight = torch.ones(THING_CLASSES)
        weight[0] = EMPTY_WEIGHT
        asked, coloured = things != IGNORED, colours != IGNORED
        loss = F.cross_entropy(self.things(flat[asked]).float(), things[asked], weight=weight)
        if not bool(coloured.any()):
            return loss
        return loss + 0.5 * F.cross_entropy(self.colours(flat[coloured]).float(), colours[coloured])

    @torch.no_grad()
    def accuracy(self, patches: Tensor, things: Tensor) -> float:
        """Share of the non-empty patches named right."""
        asked = things > 0
        return float((self.things(self.norm(patches[asked])).argmax(-1) == things[asked]).float().mean())
