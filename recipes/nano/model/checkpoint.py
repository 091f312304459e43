"""Saving a run so that it can be killed at any moment: one safetensors file, written beside the old one, then moved over it.

{"model": {...}, "optimiser": [{...}], "step": 3} <-> tensors under dotted names + the rest as JSON in the header
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

REFERENCE = "tensor:"


def save_run(path: Path, state: dict[str, Any]) -> None:
    """Write `state`: tensors, numbers and strings in dicts and lists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, torch.Tensor] = {}
    skeleton = _without_tensors(state, "", tensors)
    unfinished = path.with_suffix(".tmp")
    save_file(tensors, unfinished, metadata={"state": json.dumps(skeleton)})
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


def load_run(path: Path) -> dict[str, Any] | None:
    """What `save_run` wrote, or None when nothing was saved yet."""
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as file:
        state: dict[str, Any] = _with_tensors(json.loads(file.metadata()["state"]), file)
    return state


def _without_tensors(value: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().contiguous().clone()
        return REFERENCE + name
    if isinstance(value, dict):
        # Optimisers number their parameters: the keys' type is kept beside them.
        return {"dict": [[key, _without_tensors(item, f"{name}.{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_without_tensors(item, f"{name}.{index}", tensors) for index, item in enumerate(value)]
    return value


def _with_tensors(value: Any, file: Any) -> Any:
    if isinstance(value, str) and value.startswith(REFERENCE):
        return file.get_tensor(value.removeprefix(REFERENCE))
    if isinstance(value, dict):
        return {key: _with_tensors(item, file) for key, item in value["dict"]}
    if isinstance(value, list):
        return [_with_tensors(item, file) for item in value]
    return value
