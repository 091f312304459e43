"""Named tensors to safetensors files: planned from shapes, written one tensor at a time.

    specs (shape and type of each) -> plan of shards -> header of a shard -> its tensors, each dropped once written

Memory never holds more than the tensor at hand. A file gets its name only when it is whole and on the disk, and the index
comes last: a process that is killed leaves a checkpoint that is refused or the one from before, never a mixture of both.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from internvl.checkpoint.keymap import Entry
from internvl.checkpoint.shard_header import CACHE_LINE, DTYPE_CODES, encode_header
from internvl.checkpoint.shards import INDEX_FILE, SINGLE_FILE
from internvl.errors import CheckpointError, ConfigError


@dataclass(frozen=True)
class TensorSpec:
    """What a tensor to be written will be."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def bytes(self) -> int:
        """Its size on disk."""
        return math.prod(self.shape) * self.dtype.itemsize


def specs_of(entries: Iterable[Entry], parameters: Mapping[str, Tensor], dtype: torch.dtype | None = None) -> dict[str, TensorSpec]:
    """What the stored tensors of some parameters, named as ours, will be. dtype: None keeps each parameter's own."""
    return {
        name: TensorSpec(shape, dtype or parameters[entry.ours].dtype)
        for entry in entries
        for name, shape in zip(entry.stored, entry.stored_shapes(tuple(parameters[entry.ours].shape)), strict=True)
    }


def write_shards(folder: Path, tensors: Iterator[tuple[str, Tensor]], specs: Mapping[str, TensorSpec], *, max_shard_bytes: int) -> None:
    """Write named tensors as one file, or as shards of at most `max_shard_bytes` (one tensor at least) with an index.

    `specs` describe the tensors in the order in which they come. Weights that the folder held before are replaced.
    """
    if max_shard_bytes < 1:
        raise ConfigError(f"max_shard_bytes must be above 0, not {max_shard_bytes}")
    folder.mkdir(parents=True, exist_ok=True)
    plan = _plan_shards(specs, max_shard_bytes)
    files = [SINGLE_FILE] if len(plan) == 1 else [f"model-{i + 1:05d}-of-{len(plan):05d}.safetensors" for i in range(len(plan))]
    if len(plan) > 1:
        _remove(folder, (SINGLE_FILE, INDEX_FILE))
    for shard, file in zip(plan, files, strict=True):
        _write_file(folder / file, {name: specs[name] for name in shard}, tensors)
    if next(tensors, None) is not None:
        raise CheckpointError("more tensors came than were planned")
    if len(plan) > 1:
        weight_map = {name: file for shard, file in zip(plan, files, strict=True) for name in shard}
        index = {"metadata": {"total_size": sum(spec.bytes for spec in specs.values())}, "weight_map": weight_map}
        write_text(folder / INDEX_FILE, json.dumps(index, indent=2, sort_keys=True) + "\n")
    else:
        _remove(folder, (INDEX_FILE,))
    _remove(folder, {path.name for path in folder.glob("model-*-of-*.safetensors")} - set(files))


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def json_text(values: Mapping[str, Any]) -> str:
    """JSON as people read it."""
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _plan_shards(specs: Mapping[str, TensorSpec], limit: int) -> list[list[str]]:
    plan: list[list[str]] = [[]]
    filled = 0
    for name, spec in specs.items():
        if plan[-1] and filled + spec.bytes > limit:
            plan.append([])
            filled = 0
        plan[-1].append(name)
        filled += spec.bytes
    return plan


def _write_file(path: Path, specs: Mapping[str, TensorSpec], tensors: Iterator[tuple[str, Tensor]]) -> None:
    offsets, entries = _lay_out(specs)
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        header = encode_header(entries)
        file.write(header)
        for name, spec in specs.items():
            file.seek(len(header) + offsets[name])
            _write_tensor(file, _next(tensors, name, spec))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _lay_out(specs: Mapping[str, TensorSpec]) -> tuple[dict[str, int], dict[str, Any]]:
    """Offsets of the tensors and the header's entries.

    Tensors of whole cache lines come first, and so all begin at one (kernels read mapped files); then wide types, so that every
    tensor is aligned to its own.
    """
    offsets: dict[str, int] = {}
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(specs, key=lambda name: (specs[name].bytes % CACHE_LINE != 0, -specs[name].dtype.itemsize)):
        spec = specs[name]
        offsets[name], end = end, end + spec.bytes
        entries[name] = {"dtype": DTYPE_CODES[spec.dtype], "shape": list(spec.shape), "data_offsets": [offsets[name], end]}
    return offsets, entries


def _next(tensors: Iterator[tuple[str, Tensor]], expected: str, spec: TensorSpec) -> Tensor:
    name, tensor = next(tensors, ("", torch.empty(0)))
    if name != expected or tuple(tensor.shape) != spec.shape or tensor.dtype != spec.dtype:
        raise CheckpointError(
            f"tensors must come as planned: expected {expected!r} {list(spec.shape)} {spec.dtype}, "
            f"got {name!r} {list(tensor.shape)} {tensor.dtype}"
        )
    return tensor


def _write_tensor(file: BinaryIO, tensor: Tensor) -> None:
    flat = tensor.detach().to("cpu").contiguous().reshape(-1)
    if flat.numel():
        file.write(flat.view(torch.uint8).numpy().data)


def _remove(folder: Path, names: set[str] | tuple[str, ...]) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)
