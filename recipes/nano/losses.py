"""What is minimised: cross-entropy on the answers, and beside it the reading head's on the patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from recipes.nano.batches import Batch
from recipes.nano.reading import ReadingHead
from recipes.nano.tiles import IGNORED
from torch import Tensor

from internvl.media.pixels import normalise
from internvl.models.internvl import InternVL


@dataclass(frozen=True)
class Measured:
    """Losses of one part: `total` carries gradients; the others are for the log. `answer` is None while only looking."""

    total: Tensor
    reading: float
    answer: float | None
    accuracy: float  # of answer tokens, or of patches while only looking


def part_loss(
    model: InternVL, head: ReadingHead, batch: Batch, *, placeholder_id: int, reading_weight: float, share: float
) -> Measured:
    """The loss of one part of a step, times its share of the step."""
    patches = model.vision_encoder(normalise(batch.pixels))[:, 1:]  # T,64,C
    things, colours = (torch.from_numpy(targets.astype(np.int64)) for targets in (batch.things, batch.colours))
    reading = head.loss(patches, things, colours) if reading_weight else patches.new_zeros(())
    if batch.ids.size == 0:
        return Measured(share * reading_weight * reading, float(reading.detach()), None, head.accuracy(patches, things))
    logits, targets = answer_logits(model, patches, batch, placeholder_id)
    answer = F.cross_entropy(logits.float(), targets)
    accuracy = float((logits.argmax(-1) == targets).float().mean())
    return Measured(share * (answer + reading_weight * reading), float(reading.detach()), float(answer.detach()), accuracy)


def answer_logits(model: InternVL, patches: Tensor, batch: Batch, placeholder_id: int) -> tuple[Tensor, Tensor]:
    """Logits [n,vocabulary] at the positions that predict an answer token, and those tokens [n]."""
    ids, labels = torch.from_numpy(batch.ids), torch.from_numpy(batch.labels)[:, 1:]
    embeddings = model.embed(ids, model.projector(patches), placeholder_id=placeholder_id)
    hidden = model.language_model(embeddings)[:, :-1]  # causal, padded on the right: padding is never looked at
    learnt = labels != IGNORED
    return model.language_model.logits(hidden[learnt]), labels[learnt]
