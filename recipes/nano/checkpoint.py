"""Saving a run so that it can be killed at any moment: one file, written beside the old one and moved over it when complete."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch


def save_run(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, strings in dicts and lists)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    with unfinished.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def load_run(path: Path) -> dict[str, Any] | None:
    """What `save_run` wrote, or None when nothing was saved yet."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
