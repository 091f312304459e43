"""The training loop of heads: small, the same for all, and continued bit for bit after a kill.

    step -> rows_of_step -> loss(step) -> backward -> optimizer at rate(step) -> every so often FILE.safetensors, whole or not at all

Everything random depends on (seed, step) alone: a continued run draws what an uninterrupted one would have drawn.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from internvl.checkpoint.shard_header import open_shard, read_header
from internvl.errors import CheckpointError, NumericError
from internvl.eval.errors import EvalError
from internvl.eval.recipe import differences
from internvl.eval.results import write_atomically

HEAD = "head"
_LARGE = 1_000_003


@dataclass(frozen=True, kw_only=True)
class HeadRun:
    """What is trained and how.

    module: all that learns, its buffers included. optimizer: each group has its full rate in "base_lr". rate: factor of a step.
    loss: of a step, a scalar with gradient. facts: JSON that a continued run must share with the saved one.
    """

    module: nn.Module
    optimizer: torch.optim.Optimizer
    rate: Callable[[int], float]
    loss: Callable[[int], Tensor]
    steps: int
    file: Path
    facts: Mapping[str, Any]
    seed: int = 0
    save_every: int = 500


def train_head(run: HeadRun, report: Callable[[int, int], None]) -> None:
    """Train, or go on from the last saved step; `report(step, steps)` after each.

    Raises EvalError when the saved run has other facts or its file is damaged, NumericError for a loss that is not finite.
    """
    first = _restored(run) if run.file.exists() else 0
    for step in range(first, run.steps):
        _train_step(run, step)
        done = step + 1
        if done % run.save_every == 0 or done == run.steps:
            _save(run, done)
        report(done, run.steps)
    run.module.eval()


def rows_of_step(step: int, *, batch_size: int, rows: int, seed: int) -> list[tuple[int, int]]:
    """(epoch, row) of each item in a step: epoch after epoch, each in an order of its own, without a gap between them."""
    places = range(step * batch_size, (step + 1) * batch_size)
    return [(place // rows, _order(rows, seed, place // rows)[place % rows]) for place in places]


def draw_of(seed: int, epoch: int, row: int) -> random.Random:
    """The random numbers of one item: the same whenever and wherever it is prepared."""
    return random.Random(f"{seed} {epoch} {row}")


@lru_cache(maxsize=2)  # two, because a step may reach from one epoch into the next
def _order(rows: int, seed: int, epoch: int) -> tuple[int, ...]:
    generator = torch.Generator().manual_seed(seed * _LARGE + epoch)
    return tuple(torch.randperm(rows, generator=generator).tolist())


def _train_step(run: HeadRun, step: int) -> None:
    run.module.train()
    for group in run.optimizer.param_groups:
        group["lr"] = group["base_lr"] * run.rate(step)
    with torch.random.fork_rng():  # the caller's random numbers stay as they are
        torch.manual_seed(run.seed * _LARGE + step)
        loss = run.loss(step)
        if not bool(torch.isfinite(loss)):
            raise NumericError(f"the loss of step {step + 1} is {float(loss.detach())}: damaged features, or too high a learning rate")
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        run.optimizer.step()


def _save(run: HeadRun, step: int) -> None:
    tensors = {f"module/{name}": value for name, value in run.module.state_dict().items()}
    for index, state in run.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{key}": value for key, value in state.items() if isinstance(value, Tensor)}
    plain = {name: value.detach().to("cpu").contiguous() for name, value in tensors.items()}
    # One field, because the library writes several in any order, and equal heads shall be equal files.
    metadata = {HEAD: json.dumps({"step": step, "facts": run.facts}, sort_keys=True)}
    write_atomically(run.file, [save(plain, metadata)])


def _restored(run: HeadRun) -> int:
    """Set module and optimizer as they were saved; the number of steps done."""
    try:
        read_header(run.file)
        with open_shard(run.file) as handle:
            metadata = handle.metadata() or {}
            tensors: dict[str, Tensor] = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
        saved = json.loads(metadata[HEAD])
        facts, step = saved["facts"], int(saved["step"])
    except (CheckpointError, KeyError, TypeError, ValueError) as error:
        raise EvalError(f"{run.file} is no head of ours or is damaged ({error}); remove it, and it is trained again") from error
    if changed := list(differences(facts, json.loads(json.dumps(run.facts)))):
        raise EvalError(f"{run.file} was trained in another way: {'; '.join(changed)}; remove it, or give another folder")
    _load(run, tensors)
    return step


def _load(run: HeadRun, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer/"):
            _, index, key = name.split("/")
            state.setdefault(int(index), {})[key] = value
    try:
        run.module.load_state_dict({name.removeprefix("module/"): v for name, v in tensors.items() if name.startswith("module/")})
    except RuntimeError as error:
        raise EvalError(f"{run.file} holds another head: {error}") from error
    run.optimizer.load_state_dict({"state": state, "param_groups": run.optimizer.state_dict()["param_groups"]})
