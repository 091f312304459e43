"""What a model is calibrated and measured on: a prompt with its tiles, and what the model itself answers to it.

Samples are split by their pictures: what was calibrated on one question about a picture is not judged by another one about it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from internvl.inputs import ModelInputs

ASKED_WEIGHT = 4.0


@dataclass(frozen=True)
class Sample:
    """A prompt, and the ids of the full model's own answer. held_out: to decide and to measure on, not to calibrate on."""

    inputs: ModelInputs
    answer: tuple[int, ...]
    held_out: bool

    @property
    def ids(self) -> Tensor:
        """Prompt and answer, [1,L]."""
        return torch.cat([self.inputs.ids, torch.tensor(self.answer, dtype=torch.long)])[None]

    @property
    def weights(self) -> Tensor:
        """How much each token counts, [L]: all visual ones together as much as all words, of which they may be a hundred times as many.

        The words of the answer, where it is decided what to say, count more than those of the prompt.
        """
        visual = self.ids[0] == self.inputs.placeholder_id
        words = int((~visual).sum())
        weights = torch.where(visual, min(1.0, words / max(1, int(visual.sum()))), 1.0)
        weights[self.asked] *= ASKED_WEIGHT
        return weights

    @property
    def asked(self) -> slice:
        """The positions after which the model chooses a word: the prompt's last, and those of the answer but its last."""
        last = self.inputs.tokens - 1
        return slice(last, last + max(1, len(self.answer)))
