"""Tensors on disk: one safetensors file, or shards with an index. Headers are checked before a byte of weights is read.

Reading is by name and lazy: a tensor is mapped, used and dropped, so loading needs the model and one tensor, never the whole
checkpoint twice. Pickles are refused: opening one runs whatever it contains.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from internvl.errors import CheckpointError

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
PICKLE_ADVICE = (
    "pickles are never opened, because opening one runs the code inside. Convert it where you trust it: "
    'python -c "import torch, safetensors.torch as s; s.save_file({k: v.contiguous().clone() for k, v in '
    "torch.load('pytorch_model.bin', weights_only=True).items()}, 'model.safetensors')\""
)


@dataclass(frozen=True)
class TensorInfo:
    """Shape and type of a stored tensor, and the file it is in."""

    shape: tuple[int, ...]
    dtype: str
    file: str


class TensorReader(Protocol):
    """Tensors by name, from wherever they are."""

    def names(self) -> set[str]: ...
    def info(self, name: str) -> TensorInfo: ...
    def tensor(self, name: str) -> Tensor: ...


class ShardReader:
    """The tensors of a checkpoint folder, opened lazily."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._handles: dict[str, safe_open] = {}
        self._infos: dict[str, TensorInfo] = {}
        for file, declared in _files_of(folder).items():
            self._read_header(file, declared)

    def names(self) -> set[str]:
        """All tensor names."""
        return set(self._infos)

    def info(self, name: str) -> TensorInfo:
        """Shape, type and file of a tensor, from the header."""
        if name not in self._infos:
            raise CheckpointError(f"{self.folder}: the checkpoint has no tensor {name!r}")
        return self._infos[name]

    def tensor(self, name: str) -> Tensor:
        """The tensor, mapped from disk; its pages are read when used."""
        tensor: Tensor = self._handles[self.info(name).file].get_tensor(name)
        return tensor

    def _read_header(self, file: str, declared: set[str] | None) -> None:
        path = self.folder / file
        try:
            handle = safe_open(path, framework="pt")
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path}: not a whole safetensors file ({error}); download or write it again") from error
        present = set(handle.keys())
        if declared is not None and declared - present:
            lost = sorted(declared - present)
            raise CheckpointError(f"{path}: the index places {len(lost)} tensors here that the file lacks, first {lost[0]!r}")
        for name in present:
            if name in self._infos:
                raise CheckpointError(f"{path}: the tensor {name!r} is also in {self._infos[name].file}")
            part = handle.get_slice(name)
            self._infos[name] = TensorInfo(tuple(part.get_shape()), part.get_dtype(), file)
        self._handles[file] = handle


def _files_of(folder: Path) -> dict[str, set[str] | None]:
    """File -> names the index places in it (None: no index)."""
    if (folder / INDEX_FILE).exists():
        return _files_of_index(folder)
    if (folder / SINGLE_FILE).exists():
        return {SINGLE_FILE: None}
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        raise CheckpointError(f"{folder}: the weights are a pickle ({pickles[0]}), not safetensors; {PICKLE_ADVICE}")
    raise CheckpointError(f"{folder}: no weights found; expected {SINGLE_FILE}, or {INDEX_FILE} with its shards")


def _files_of_index(folder: Path) -> dict[str, set[str] | None]:
    path = folder / INDEX_FILE
    try:
        weight_map = json.loads(path.read_text("utf-8"))["weight_map"]
        entries = [(str(name), str(file)) for name, file in weight_map.items()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: not a shard index; expected JSON with a weight_map of names to files") from error
    files: dict[str, set[str] | None] = {}
    for name, file in entries:
        if Path(file).name != file or not file.endswith(".safetensors"):
            raise CheckpointError(f"{path}: shards must be .safetensors files in the same folder, not {file!r}")
        if not (folder / file).exists():
            raise CheckpointError(f"{folder}: the shard {file} is missing; the index names it for {name!r}")
        held = files.setdefault(file, set())
        if held is not None:
            held.add(name)
    return files


def write_shards(
    folder: Path, tensors: Iterator[tuple[str, Tensor]], sizes: Mapping[str, int], *, max_shard_bytes: int
) -> None:
    """Write named tensors as one file, or as shards of at most `max_shard_bytes` with an index.

    `sizes` are the bytes of every tensor in the order in which they come, so that shards are planned before any is in memory.
    Each file is written under another name first: a reader never sees half of one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plan = _plan_shards(sizes, max_shard_bytes)
    names = [SINGLE_FILE] if len(plan) == 1 else [f"model-{i + 1:05d}-of-{len(plan):05d}.safetensors" for i in range(len(plan))]
    for shard, file in zip(plan, names, strict=True):
        _write_file(folder / file, _take(tensors, shard))
    if len(plan) > 1:
        weight_map = {name: file for shard, file in zip(plan, names, strict=True) for name in shard}
        index = {"metadata": {"total_size": sum(sizes.values())}, "weight_map": weight_map}
        write_text(folder / INDEX_FILE, json.dumps(index, indent=2, sort_keys=True) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)


def _plan_shards(sizes: Mapping[str, int], limit: int) -> list[list[str]]:
    plan: list[list[str]] = [[]]
    filled = 0
    for name, size in sizes.items():
        if plan[-1] and filled + size > limit:
            plan.append([])
            filled = 0
        plan[-1].append(name)
        filled += size
    return plan


def _take(tensors: Iterator[tuple[str, Tensor]], names: list[str]) -> dict[str, Tensor]:
    taken = {}
    for expected in names:
        name, tensor = next(tensors)
        if name != expected:
            raise CheckpointError(f"tensors must come in the planned order: expected {expected!r}, got {name!r}")
        taken[name] = tensor.detach().to("cpu").contiguous()
    return taken


def _write_file(path: Path, tensors: dict[str, Tensor]) -> None:
    temporary = path.with_name(path.name + ".tmp")
    # Slices of one storage (q, k, v of a joined matrix) must be written as tensors of their own.
    save_file({name: _own(tensor) for name, tensor in tensors.items()}, temporary, metadata={"format": "pt"})
    temporary.replace(path)


def _own(tensor: Tensor) -> Tensor:
    whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    return tensor if whole else tensor.clone()


DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I8": torch.int8, "U8": torch.uint8,
}  # fmt: skip
