"""Training tensors, drawn once and kept in files of one piece each, so that drawing can stop and go on.

    (kind, piece number) -> its own random source -> tensors -> build/scorers/KIND/train-007.safetensors -> memory-mapped

What a piece holds depends on its number alone: any process may draw any piece.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import torch
from recipes.scorers.pictures import folder
from safetensors.torch import load_file, save_file
from torch import Tensor

# (random source, number of samples) -> tensors, the first axis being samples
Draw: TypeAlias = Callable[[random.Random, int], dict[str, Tensor]]


def ensure_pieces(kind: str, draw: Draw, *, pieces: int, size: int, seed: int) -> list[Path]:
    """Draw the pieces that are missing. size: samples of each."""
    place = folder() / f"{kind}-{seed}"
    place.mkdir(parents=True, exist_ok=True)
    files = [place / f"train-{number:03}.safetensors" for number in range(pieces)]
    for number, file in enumerate(files):
        if not file.is_file():
            tensors = draw(random.Random(f"{kind} {seed} {number}"), size)
            unfinished = file.with_suffix(".tmp")
            save_file(tensors, unfinished)
            unfinished.replace(file)
            print(f"{kind}: piece {number + 1} of {pieces}", flush=True)
    return files


def joined(files: list[Path]) -> dict[str, Tensor]:
    """All pieces as one."""
    parts = [load_file(file) for file in files]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
