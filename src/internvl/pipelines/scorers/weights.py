"""The weights of the scorers: a safetensors file each, in the package, in half precision; computed with in single.

weights/scorers/watermark.safetensors -> {name: float32 tensor}, and a hash that goes into the settings of a run
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from internvl.checkpoint.hub import EMBEDDED_FOLDER
from internvl.pipelines.errors import PipelineError

FOLDER = EMBEDDED_FOLDER / "scorers"


def weights_file(kind: str, given: Path | None = None) -> Path:
    """The file that is given, or the one that ships for `kind`. Raises PipelineError where there is none."""
    path = given or FOLDER / f"{kind}.safetensors"
    if not path.is_file():
        raise PipelineError(f"no weights of the {kind} score at {path}; python -m recipes.scorers.train --model {kind} makes them")
    return path


def digest(path: Path) -> str:
    """The first 16 digits of the file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def load_into(network: nn.Module, path: Path, kind: str) -> nn.Module:
    """Fill a network, for evaluation only. Raises PipelineError for another kind's weights, other shapes, or a damaged file."""
    tensors = _read(path, kind)
    wanted = network.state_dict()
    if differing := sorted(name for name in wanted.keys() | tensors.keys() if _shape(wanted, name) != _shape(tensors, name)):
        raise PipelineError(
            f"{path}: weights of another version of the {kind} score, {len(differing)} tensors differ, the first is {differing[0]} "
            f"({_shape(tensors, differing[0])}, expected {_shape(wanted, differing[0])})"
        )
    network.load_state_dict(tensors)
    network.eval().requires_grad_(False)
    # The memory order that convolutions are fastest with.
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _read(path: Path, kind: str) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            found = (file.metadata() or {}).get("kind")
            if found != kind:
                raise PipelineError(f"{path}: expected weights of the {kind} score, these are of {found!r}")
            return {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise PipelineError(f"{path}: no readable safetensors file ({error})") from error


def _shape(tensors: dict[str, Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(tensors[name].shape) if name in tensors else None
