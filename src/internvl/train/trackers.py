"""Dashboards that follow a run, each optional and imported only when it is named: TensorBoard, Weights & Biases, trackio.

{"loss": 1.8, ...}, step  ->  Tracker.log        whatever happens to a dashboard, OUT/log.jsonl has it all
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from internvl.errors import ConfigError, MissingDependencyError


class Tracker(Protocol):
    """Takes numbers, step by step."""

    def log(self, values: Mapping[str, float], step: int) -> None: ...

    def close(self) -> None: ...


def open_trackers(names: Sequence[str], out: Path, config: Mapping[str, Any]) -> list[Tracker]:
    """A tracker for each name, in order. `config` is shown beside the curves.

    Raises ConfigError for an unknown name, MissingDependencyError for a library that is not installed.
    """
    unknown = sorted(set(names) - set(_OPENERS))
    if unknown:
        raise ConfigError(f"no tracker {unknown[0]!r}; known are {', '.join(_OPENERS)}")
    return [_OPENERS[name](out, config) for name in names]


class _TensorBoard:
    def __init__(self, out: Path, config: Mapping[str, Any]) -> None:
        _import("tensorboard")
        writer = importlib.import_module("torch.utils.tensorboard").SummaryWriter
        self._writer = writer(str(out / "tensorboard"))
        self._writer.add_text("config", "\n".join(f"    {name} = {value}" for name, value in config.items()))

    def log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _Wandb:
    def __init__(self, out: Path, config: Mapping[str, Any]) -> None:
        wandb = _import("wandb")
        # Without a key the library would stop and ask; an offline run can be sent later with `wandb sync`.
        mode = os.environ.get("WANDB_MODE") or ("online" if wandb.api.api_key else "offline")
        self._run = wandb.init(project="internvl", name=out.name, dir=str(out), config=dict(config), mode=mode)

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()


class _Trackio:
    def __init__(self, out: Path, config: Mapping[str, Any]) -> None:
        self._trackio = _import("trackio")
        self._trackio.init(project="internvl", name=out.name, config=dict(config))

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._trackio.log(dict(values), step=step)

    def close(self) -> None:
        self._trackio.finish()


_OPENERS: dict[str, Callable[[Path, Mapping[str, Any]], Tracker]] = {
    "tensorboard": _TensorBoard,
    "wandb": _Wandb,
    "trackio": _Trackio,
}


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = "'internvl[track]'" if name == "tensorboard" else name
        raise MissingDependencyError(f"the tracker {name!r} needs the library of that name: pip install {package}") from error
