"""A run on disk, so that it can be killed at any moment and go on as if it had not been.

    OUT/checkpoints/step_000200.partial/  ->  step_000200/       tensors (DCP), rank_00000.json (data, random numbers), complete.json

complete.json is written last and the folder gets its name after it: a folder that is named and has it is whole. Everything that
changes is kept: weights that learn, buffers, the optimiser, the running mean, data position and random state of every rank.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from internvl.checkpoint.distributed import load_tensors, save_tensors, saved_shapes
from internvl.checkpoint.fields import read_json
from internvl.checkpoint.shard_writer import write_text
from internvl.errors import CheckpointError
from internvl.train.ema import RunningMean
from internvl.train.guard import Guard
from internvl.train.objectives.module import TrainingModule
from internvl.train.parallel import World
from internvl.train.random_state import random_state, restore_random_state

COMPLETE = "complete.json"
PARTIAL = ".partial"
_NAME = re.compile(r"step_(\d+)")


class Resumable(Protocol):
    """Data that know where they are."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


@dataclass(kw_only=True)
class Changing:
    """All of a run that changes from step to step, but the step itself."""

    module: TrainingModule
    optimizer: torch.optim.Optimizer
    data: Resumable
    guard: Guard
    ema: RunningMean | None = None


def complete_checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints of a run, the oldest first. What a kill left half written is not among them."""
    found = {}
    for path in folder.glob("step_*"):
        match = _NAME.fullmatch(path.name)
        if match and (path / COMPLETE).is_file():
            found[int(match[1])] = path
    return [found[step] for step in sorted(found)]


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint of a run."""
    found = complete_checkpoints(folder)
    return found[-1] if found else None


def save_run(state: Changing, folder: Path, *, step: int, world: World, facts: Mapping[str, Any], keep: int) -> Path:
    """Write a checkpoint on all ranks and let go of the oldest; gives its folder. `facts` stand in complete.json."""
    target = folder / f"step_{step:06d}"
    partial = target.with_name(target.name + PARTIAL)
    if world.is_first:
        for old in (*folder.glob(f"step_*{PARTIAL}"), target):  # what kills have left
            shutil.rmtree(old, ignore_errors=True)
        partial.mkdir(parents=True)
    world.barrier()
    save_tensors(_tensors(state), partial)
    write_text(partial / _rank_file(world.rank), _json({"data": state.data.state_dict(), "random": random_state(world.device)}))
    world.barrier()
    if world.is_first:
        updates = None if state.ema is None else state.ema.updates
        write_text(
            partial / COMPLETE,
            _json({"step": step, "world": world.size, "guard": state.guard.state_dict(), "ema_updates": updates, **facts}),
        )
        _sync_folder(partial)
        partial.rename(target)
        _sync_folder(folder)
        _let_go(folder, keep)
    world.barrier()
    return target


def read_facts(checkpoint: Path) -> dict[str, Any]:
    """complete.json of a checkpoint. CheckpointError when it is damaged."""
    facts = read_json(checkpoint / COMPLETE)
    kinds = {"step": int, "world": int, "total_steps": int, "config": dict, "guard": dict}
    if not all(isinstance(facts.get(name), kind) for name, kind in kinds.items()):
        raise CheckpointError(f"{checkpoint / COMPLETE}: not what a run writes; remove {checkpoint} to go on from the one before")
    return facts


def restore_run(state: Changing, checkpoint: Path, *, world: World) -> int:
    """Set everything as it was when the checkpoint was written, and give its number of steps.

    Weights, optimiser and running mean come from a checkpoint of any number of ranks. Data position and random state belong to a
    rank: with another number of ranks they stay as they are, at the beginning.
    """
    facts = read_facts(checkpoint)
    saved = saved_shapes(checkpoint)
    _make_optimizer_state(state, saved)
    if (state.ema is None) != (facts["ema_updates"] is None):
        raise CheckpointError(f"{checkpoint}: of this run and the saved one, only one has a running mean of weights (optim.ema)")
    with torch.no_grad():
        load_tensors(_tensors(state), checkpoint)
    if state.ema is not None:
        state.ema.updates = int(facts["ema_updates"])
    state.guard.load_state_dict(facts["guard"])
    if facts["world"] == world.size:
        own = read_json(checkpoint / _rank_file(world.rank))
        state.data.load_state_dict(own["data"])
        restore_random_state(own["random"], world.device)
    return int(facts["step"])


def _tensors(state: Changing) -> dict[str, Tensor]:
    model = state.module.model
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    found: dict[str, Tensor] = {f"model/{name}": p.detach() for name, p in learning.items()}
    found |= {f"buffer/{name}": buffer for name, buffer in state.module.named_buffers()}
    for name, parameter in learning.items():
        moments = state.optimizer.state.get(parameter, {})
        found |= {f"optimizer/{name}/{key}": value for key, value in moments.items() if isinstance(value, Tensor)}
    if state.ema is not None:
        found |= {f"mean/{name}": mean for name, mean in state.ema.means.items()}
    return found


def _make_optimizer_state(state: Changing, saved: Mapping[str, tuple[int, ...]]) -> None:
    """Room for what the checkpoint holds, as the optimiser itself makes it at its first step."""
    names = {parameter: name for name, parameter in state.module.model.named_parameters()}
    for group in state.optimizer.param_groups:
        on_device = bool(group.get("fused") or group.get("capturable"))
        for parameter in group["params"]:
            prefix = f"optimizer/{names[parameter]}/"
            keys = {name.removeprefix(prefix): shape for name, shape in saved.items() if name.startswith(prefix)}
            for key, shape in keys.items():
                state.optimizer.state[parameter][key] = _room(parameter, shape, on_device=on_device)


def _room(parameter: nn.Parameter, shape: tuple[int, ...], *, on_device: bool) -> Tensor:
    if shape == tuple(parameter.shape) and shape:
        return torch.zeros_like(parameter, memory_format=torch.preserve_format)
    return torch.zeros(shape, dtype=torch.float32, device=parameter.device if on_device else "cpu")


def _let_go(folder: Path, keep: int) -> None:
    for old in complete_checkpoints(folder)[: -max(1, keep)]:
        # Renamed first, so that a kill in the middle leaves no folder that looks whole.
        gone = old.with_name(old.name + PARTIAL)
        shutil.rmtree(gone, ignore_errors=True)
        old.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _rank_file(rank: int) -> str:
    return f"rank_{rank:05d}.json"


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values) + "\n"


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere folders can't be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
