"""Supervised training: the weighted sum of the cross entropies of the labelled tokens.

Batch -> visual tokens -> hidden states -> losses [n] -> sum of weight * loss
"""

from __future__ import annotations

from torch import nn

from internvl.data.batch import Batch
from internvl.models.internvl import InternVL
from internvl.train.objectives.cross_entropy import CHUNK_ROWS, target_weight, targets_of, token_losses
from internvl.train.objectives.module import Losses
from internvl.train.objectives.states import hidden_states, visual_tokens


class SupervisedObjective(nn.Module):
    """Next-token prediction, each token weighted by `batch.weights`. Parts: `accuracy` of the likeliest token."""

    def __init__(self, *, chunk_rows: int = CHUNK_ROWS) -> None:
        super().__init__()
        self.chunk_rows = chunk_rows

    def forward(self, model: InternVL, batch: Batch, placeholder_id: int) -> Losses:
        """Losses of a batch; 0 with gradients of 0 when no token has a weight."""
        visual, nothing = visual_tokens(model, batch)
        hidden = hidden_states(model, batch, visual, placeholder_id)
        targets = targets_of(batch)
        losses, hits = token_losses(hidden, targets, model.language_model, chunk_rows=self.chunk_rows)
        weights = targets.weights.to(losses.device)
        return Losses(
            total=(losses * weights).sum() + nothing.to(losses.device),
            weight=weights.sum(),
            parts={"accuracy": (hits * weights).sum()},
            tokens=(weights > 0).sum(),
        )

    def weight(self, batch: Batch) -> float:
        """Sum of the weights of the tokens to predict."""
        return target_weight(batch)
