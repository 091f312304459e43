"""Preference training (MPO): a better and a worse answer to each question, one visual encoding for both.

chosen, rejected -> log-probability of each answer [P], by the model and by the reference it started from
loss of a pair = 0.8 * DPO (sigmoid) + 0.2 * BCO + 1.0 * mean cross entropy of the better answer's tokens
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, distributed, nn

from internvl.data.batch import Batch
from internvl.errors import ConfigError
from internvl.models.internvl import InternVL
from internvl.train.objectives.cross_entropy import CHUNK_ROWS, first_sequences, targets_of, token_losses
from internvl.train.objectives.module import Losses
from internvl.train.objectives.states import hidden_states, vision_learns, visual_tokens


@dataclass(frozen=True, kw_only=True)
class PreferenceConfig:
    """beta makes rewards of log-ratios; the others weigh the three losses."""

    beta: float = 0.1
    dpo: float = 0.8
    bco: float = 0.2
    nll: float = 1.0


class PreferenceObjective(nn.Module):
    """DPO, BCO and NLL over pairs; the weight of a batch is its number of pairs.

    reference: a frozen copy of the model as it was. Or `adapters_off`: makes a context in which the model is without its LoRA
    adapters and so its own reference. The running mean of rewards, against which BCO judges, lies in buffers and is saved with them.
    Parts: `dpo`, `bco`, `nll`, `accuracy` (the better answer has the higher reward), `margin`, `reward_chosen`, `reward_rejected`.
    """

    shift: Tensor
    shift_pairs: Tensor

    def __init__(
        self,
        config: PreferenceConfig | None = None,
        *,
        reference: InternVL | None = None,
        adapters_off: Callable[[], AbstractContextManager[object]] | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        super().__init__()
        if (reference is None) == (adapters_off is None):
            raise ConfigError("preference training needs a reference model, or a way to take the adapters off: one of the two")
        self.config = config or PreferenceConfig()
        self.reference = None if reference is None else reference.requires_grad_(False).eval()
        self.adapters_off = adapters_off
        self.chunk_rows = chunk_rows
        self.register_buffer("shift", torch.zeros(()))
        self.register_buffer("shift_pairs", torch.zeros(()))

    def forward(self, model: InternVL, batch: Batch, placeholder_id: int) -> Losses:
        """Losses of a batch; ConfigError when it has no rejected answers, or not as many as chosen ones."""
        if model is self.reference:
            raise ConfigError("the reference must be a copy of the model, not the model itself")
        pairs, halves = _pairs(batch), (batch, _rejected(batch))
        visual, nothing = visual_tokens(model, batch)
        with self._as_reference(model) as reference:
            seen = visual if not vision_learns(model) else visual_tokens(reference, batch)[0]
            before = [self._answers(reference, half, seen, placeholder_id, pairs)[0] for half in halves]
        now = [self._answers(model, half, visual, placeholder_id, pairs) for half in halves]
        (chosen, length), (rejected, length_rejected) = now
        parts = self._preferences(chosen - before[0], rejected - before[1]) | {"nll": -chosen / length.clamp(min=1)}
        config = self.config
        loss = config.dpo * parts["dpo"] + config.bco * parts["bco"] + config.nll * parts["nll"]
        return Losses(
            total=loss.sum() + nothing.to(loss.device),
            weight=torch.tensor(float(pairs), device=loss.device),
            parts={name: part.detach().sum() for name, part in parts.items()},
            tokens=(length + length_rejected).sum().long(),
        )

    def train(self, mode: bool = True) -> PreferenceObjective:
        """Training counts rewards into their mean; the reference is never trained."""
        super().train(mode)
        if self.reference is not None:
            self.reference.eval()
        return self

    def weight(self, batch: Batch) -> float:
        """Number of pairs."""
        return float(_pairs(batch))

    def _answers(self, model: InternVL, batch: Batch, visual: Tensor | None, placeholder_id: int, pairs: int) -> tuple[Tensor, Tensor]:
        """Log-probability and number of labelled tokens of each sequence, [P] each."""
        hidden = hidden_states(model, batch, visual, placeholder_id)
        targets = targets_of(batch, weighted=False)
        losses, _ = token_losses(hidden, targets, model.language_model, chunk_rows=self.chunk_rows)
        sequences, weights, zeros = targets.sequences.to(losses.device), targets.weights.to(losses.device), losses.new_zeros(pairs)
        return zeros.index_add(0, sequences, -losses * weights), zeros.index_add(0, sequences, weights)

    def _preferences(self, chosen: Tensor, rejected: Tensor) -> dict[str, Tensor]:
        """Log-ratios of model over reference, [P] each -> losses and rewards of each pair."""
        better, worse = self.config.beta * chosen, self.config.beta * rejected
        shift = self._shifted(better.detach(), worse.detach())
        return {
            "dpo": -F.logsigmoid(better - worse),
            "bco": -F.logsigmoid(better - shift) - F.logsigmoid(shift - worse),
            "accuracy": (better > worse).float(),
            "margin": better - worse,
            "reward_chosen": better,
            "reward_rejected": worse,
        }

    def _shifted(self, better: Tensor, worse: Tensor) -> Tensor:
        """Mean reward of all pairs so far, of all ranks; training counts the present ones in."""
        if not self.training:
            return self.shift.clone()
        seen = torch.stack([((better + worse) / 2).sum(), torch.tensor(float(len(better)), device=better.device)])
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(seen)
        self.shift_pairs += seen[1]
        self.shift += (seen[0] - seen[1] * self.shift) / self.shift_pairs.clamp(min=1)
        return self.shift.clone()  # what is kept changes with the next batch, before this one's gradient is computed

    @contextmanager
    def _as_reference(self, model: InternVL) -> Iterator[InternVL]:
        with torch.no_grad():
            if self.adapters_off is None:
                yield self.reference or model
                return
            with self.adapters_off(), _evaluating(model):
                yield model


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Without drop path and dropout."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _rejected(batch: Batch) -> Batch:
    if batch.rejected is None:
        raise ConfigError("preference training needs batches with rejected answers; these data have none")
    return batch.rejected


def _pairs(batch: Batch) -> int:
    """How many pairs; sequence i of the chosen ones and sequence i of the rejected ones are a pair."""
    chosen, rejected = (_sequences(half) for half in (batch, _rejected(batch)))
    if chosen != rejected:
        raise ConfigError(f"each chosen answer needs a rejected one; the batch has {chosen} and {rejected}")
    return chosen


def _sequences(batch: Batch) -> int:
    return int(first_sequences(batch)[-1] + batch.segments[-1].amax() + 1)
