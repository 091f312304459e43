"""One step: micro-batches of all ranks -> loss and gradient of their weighted mean -> clipped -> AdamW.

loss = sum over micro-batches and ranks of Losses.total / sum over them of the weights, which is known before any forward
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn

from internvl.data.batch import Batch
from internvl.errors import ConfigError
from internvl.train.config import TrainConfig
from internvl.train.flops import DualCounter, WorkCounter
from internvl.train.parallel import Spread, World


@dataclass
class Sums:
    """What the micro-batches of a step add up to over all ranks; loss and parts are means over the weight."""

    loss: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)
    tokens: int = 0
    tiles: int = 0
    sequences: int = 0
    predicted: int = 0
    operations: float = 0.0


def micro_batches(config: TrainConfig, world: World) -> int:
    """Forward passes a rank does in a step. ConfigError when the rows of a step can't be shared out evenly."""
    together = config.rows_per_forward * world.size
    if config.rows_per_forward < 1 or config.batch_size < 1 or config.batch_size % together:
        raise ConfigError(
            f"batch_size must be a multiple of rows_per_forward x processes = {config.rows_per_forward} x {world.size} = {together}, "
            f"not {config.batch_size}"
        )
    return config.batch_size // together


def take(batches: Iterator[Batch], count: int) -> list[Batch]:
    """The next batches; fewer when the data end."""
    taken: list[Batch] = []
    while len(taken) < count and (batch := next(batches, None)) is not None:
        taken.append(batch)
    return taken


def accumulate(spread: Spread, batches: Sequence[Batch], *, global_average: bool, counter: WorkCounter | DualCounter) -> Sums:
    """Forward and backward of a step's micro-batches. Afterwards the gradients are those of the step's loss, on all ranks."""
    world, module = spread.world, spread.module
    weights = [module.batch_weight(batch) for batch in batches]
    (weight,) = world.sum([sum(weights)])
    # Without the global average each rank divides by its own weight, and DDP and FSDP2 take the mean of the ranks.
    scale = spread.gradient_scale / (weight or 1.0) if global_average else 1.0 / (sum(weights) or 1.0)
    totals: list[Tensor] = []
    parts: list[dict[str, Tensor]] = []
    predicted: list[Tensor] = []
    for number, batch in enumerate(batches, start=1):
        with spread.gathering(last=number == len(batches)):
            losses = spread(batch.to(world.device))
            (losses.total * scale).backward()
        totals.append(losses.total.detach())
        parts.append(losses.parts)
        predicted.append(losses.tokens)
    return _summed(world, batches, totals, parts, predicted, weight or 1.0, counter)


def gradient_norm(parameters: Iterable[nn.Parameter]) -> float:
    """Norm of all gradients together. A parameter that no batch has reached gets a gradient of 0, so that every optimiser step,
    sharded or not, sees the same parameters."""
    gradients = []
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    return float(_whole(torch.nn.utils.get_total_norm(gradients)))


def clip(parameters: Iterable[nn.Parameter], norm: float, limit: float) -> None:
    """Scale gradients of this norm down to `limit`; 0: as they are."""
    if 0.0 < limit < norm:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.mul_(limit / norm)


def set_rates(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The rate of each group: `rate` x its lr_scale."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("lr_scale", 1.0)


def sequence_lengths(batch: Batch) -> list[int]:
    """Tokens of each sequence, the rejected answers' too."""
    halves = [batch] if batch.rejected is None else [batch, batch.rejected]
    return [int(length) for half in halves for row in half.segments for length in torch.bincount(row[row >= 0]).tolist()]


def _summed(
    world: World,
    batches: Sequence[Batch],
    totals: Sequence[Tensor],
    parts: Sequence[dict[str, Tensor]],
    predicted: Sequence[Tensor],
    weight: float,
    counter: WorkCounter | DualCounter,
) -> Sums:
    lengths = [sequence_lengths(batch) for batch in batches]
    counts = [int(count) for count in torch.stack(list(predicted)).tolist()]
    operations = [
        counter.operations(lengths=length, tiles=batch.tiles, predicted=count)
        for length, batch, count in zip(lengths, batches, counts, strict=True)
    ]
    names = sorted(parts[0])
    own = [
        float(torch.stack([total.double() for total in totals]).sum()),
        float(sum(sum(length) for length in lengths)),
        float(sum(batch.tiles for batch in batches)),
        float(sum(len(length) for length in lengths)),
        float(sum(counts)),
        sum(operations),
        *(float(torch.stack([part[name].double() for part in parts]).sum()) for name in names),
    ]
    total, tokens, tiles, sequences, labelled, work, *rest = world.sum(own)
    means = {name: value / weight for name, value in zip(names, rest, strict=True)}
    return Sums(total / weight, means, round(tokens), round(tiles), round(sequences), round(labelled), work)


def _whole(tensor: Tensor) -> Tensor:
    gather = getattr(tensor, "full_tensor", None)
    return tensor if gather is None else cast(Tensor, gather())
