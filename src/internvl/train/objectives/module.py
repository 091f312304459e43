"""Model and objective as one module, the root that DDP and FSDP2 wrap: everything a step computes goes through its forward.

Batch -> objective(model, batch) -> Losses: a weighted sum and the sum of its weights, so that the loss of a step is the sum of all sums
over micro-batches and ranks, divided by all weights.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from torch import Tensor, nn

from internvl.data.batch import Batch


class Losses(NamedTuple):
    """What an objective says about a batch. A tuple, because FSDP2 looks for the tensors of a module's output in tuples.

    total: weighted sum of the losses, with gradient. weight: sum of the weights. parts: weighted sums without gradient, which divided
    by the weight are means for the log. tokens: how many tokens were predicted.
    """

    total: Tensor
    weight: Tensor
    parts: dict[str, Tensor]
    tokens: Tensor


class Objective(Protocol):
    """What is minimised. Implementations are modules, so that what they remember is saved and moved with the model."""

    def __call__(self, model: Any, batch: Batch, placeholder_id: int) -> Losses:
        """Losses of a batch."""
        ...

    def weight(self, batch: Batch) -> float:
        """The weight that the Losses of this batch will have."""
        ...


class TrainingModule(nn.Module):
    """forward(batch) -> Losses. In training mode, what is frozen stays in evaluation mode: its drop path and dropout are off."""

    def __init__(self, model: nn.Module, objective: Objective, *, placeholder_id: int) -> None:
        super().__init__()
        # Any: what a model can do beyond being a module is between it and its objective.
        self.model: Any = model
        self.objective = objective
        self.placeholder_id = placeholder_id

    def forward(self, batch: Batch) -> Losses:
        """Losses of a batch that lies on the model's device.

        Raises PlaceholderCountError when the placeholders are not as many as the visual tokens.
        """
        return self.objective(self.model, batch, self.placeholder_id)

    def batch_weight(self, batch: Batch) -> float:
        """The weight that the Losses of this batch will have, known before anything is computed."""
        return self.objective.weight(batch)

    def train(self, mode: bool = True) -> TrainingModule:
        """Training mode for what learns, evaluation mode for modules none of whose parameters does."""
        super().train(mode)
        for module in self.model.modules():
            if module.training and is_frozen(module):
                module.eval()
        return self


def is_frozen(module: nn.Module) -> bool:
    """Whether a module has parameters and none of them learns."""
    learns = [parameter.requires_grad for parameter in module.parameters()]
    return bool(learns) and not any(learns)
