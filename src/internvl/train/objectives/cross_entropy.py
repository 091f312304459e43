"""Cross entropy where there is something to learn: hidden states [B,L,D] + Targets (n places) -> losses [n], float32.

Only the n positions whose next token counts reach the output head, a chunk at a time, and each chunk is computed again for its
gradient: logits [B,L,vocabulary], which outweigh everything else of a small model, never exist.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from internvl.data.batch import Batch
from internvl.models.language.decoder import Decoder

CHUNK_ROWS = 1024
# Logits up to this many numbers (64 MB) are kept for their gradient: computing them again would cost more than they do.
_KEPT_LOGITS = 1 << 24


@dataclass(frozen=True)
class Targets:
    """n tokens to predict. There is at least one, of weight 0 if need be, so that every parameter has a gradient.

    places: position that predicts, in the rows laid end to end. ids: the token there should be. weights: float32. sequences: which
    sequence of the batch it belongs to, counted row by row. All [n].
    """

    places: Tensor
    ids: Tensor
    weights: Tensor
    sequences: Tensor


def predicted(batch: Batch) -> Tensor:
    """[B,L-1]: whether position t predicts a labelled token t + 1 of its own sequence."""
    inside = (batch.segments[:, 1:] == batch.segments[:, :-1]) & (batch.segments[:, 1:] >= 0)
    return inside & (batch.labels[:, 1:] >= 0)


def targets_of(batch: Batch, *, weighted: bool = True) -> Targets:
    """The tokens to predict that have a weight; every labelled token, each of weight 1, if not `weighted`."""
    counts = predicted(batch)
    if weighted:
        counts = counts & (batch.weights[:, 1:] > 0)
    rows, columns = counts.nonzero(as_tuple=True)
    if not len(rows):
        return _nothing(batch.ids.device)
    ids = batch.labels[rows, columns + 1]
    weights = batch.weights[rows, columns + 1].float() if weighted else torch.ones_like(ids, dtype=torch.float32)
    return Targets(rows * batch.ids.shape[1] + columns, ids, weights, first_sequences(batch)[rows] + batch.segments[rows, columns])


def target_weight(batch: Batch) -> float:
    """Sum of the weights of `targets_of`."""
    return float((batch.weights[:, 1:].float() * predicted(batch)).sum())


def first_sequences(batch: Batch) -> Tensor:
    """[B]: number of the first sequence of each row, when the sequences are counted row by row."""
    counts = batch.segments.amax(dim=1) + 1
    return counts.cumsum(0) - counts


def token_losses(hidden: Tensor, targets: Targets, decoder: Decoder, *, chunk_rows: int = CHUNK_ROWS) -> tuple[Tensor, Tensor]:
    """hidden [B,L,D] -> cross entropy of each target [n] in float32, and whether its token was the likeliest [n]."""
    rows = hidden.flatten(0, 1).index_select(0, targets.places)
    again = len(rows) * decoder.config.vocab_size > _KEPT_LOGITS
    losses, hits = [], []
    for states, ids in zip(rows.split(chunk_rows), targets.ids.split(chunk_rows), strict=True):
        if again:
            loss, hit = checkpoint(_chunk, states, ids, decoder, use_reentrant=False, preserve_rng_state=False)
        else:
            loss, hit = _chunk(states, ids, decoder)
        losses.append(loss)
        hits.append(hit)
    return torch.cat(losses), torch.cat(hits)


def _chunk(states: Tensor, ids: Tensor, decoder: Decoder) -> tuple[Tensor, Tensor]:
    logits = decoder.logits(states).float()
    return F.cross_entropy(logits, ids.to(logits.device), reduction="none"), logits.detach().argmax(-1) == ids.to(logits.device)


def _nothing(device: torch.device) -> Targets:
    zero = torch.zeros(1, dtype=torch.long, device=device)
    return Targets(zero, zero, zero.float(), zero)
