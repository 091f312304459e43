"""Whether a run may go on from a checkpoint under the config it has now: what would have changed its past is refused.

config of then (from the checkpoint) + config of now -> fine, or ConfigError with the field, both values, and what to do
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from internvl.errors import ConfigError
from internvl.train.config import OptimConfig, TrainConfig
from internvl.train.schedule import rate_factor

# Where results go, what is watched, and how the same arithmetic is carried out. `steps` and `epochs` are judged by their schedule.
FREE = frozenset(
    {
        "out", "steps", "epochs", "save_every", "keep_checkpoints", "log_every", "eval_every", "trackers", "on_nan", "spike_factor",
        "parallel", "compile", "checkpoint_activations", "data.workers", "data.manifest", "data.root",
    }
)  # fmt: skip


def config_facts(config: TrainConfig) -> dict[str, Any]:
    """The config as flat JSON values: {"optim.lr": 4e-05, "train_parts": ["language_model", "projector"], ...}."""
    return dict(_flat("", dataclasses.asdict(config)))


def check_continues(
    saved: Mapping[str, Any], config: TrainConfig, *, step: int, saved_total: int, total: int, allow: Collection[str] = ()
) -> None:
    """Raise ConfigError for the first field whose change would have changed the `step` steps that are done.

    allow: names of fields that may differ all the same. The length of the run may change as long as the rates of the steps done
    stay what they were: always with a constant rate, with wsd until its decay begins.
    """
    now, ordinary = config_facts(config), config_facts(TrainConfig())
    for name in sorted(now.keys() | saved.keys()):
        before = saved.get(name, ordinary.get(name))  # a field that is younger than the run was what it is unless set
        if name not in FREE and name not in allow and before != now.get(name):
            raise ConfigError(
                f"the run in {config.out} was begun with {name} = {before}, it can't go on with {now.get(name)}: "
                f"set it back, give another `out`, or allow the change by name"
            )
    if total < step:
        raise ConfigError(f"the run in {config.out} has done {step} steps already, more than the {total} it is to have now")
    if total != saved_total and "steps" not in allow and not same_past(config.optim, step, saved_total, total):
        raise ConfigError(
            f"the run in {config.out} was begun for {saved_total} steps; {total} would have changed the learning rates of the {step} "
            f"that are done ({config.optim.schedule} schedule). The schedules constant, and wsd before its decay, can be made longer"
        )


def same_past(config: OptimConfig, step: int, total_then: int, total_now: int) -> bool:
    """Whether the first `step` steps have the same rates in runs of both lengths."""
    return all(rate_factor(i, total_then, config) == rate_factor(i, total_now, config) for i in range(step))


def _flat(prefix: str, values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, dict) and value:
            found += _flat(f"{prefix}{name}.", value)
        else:
            found.append((prefix + name, _plain(value)))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value
