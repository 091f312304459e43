"""From a checkpoint to a model on its devices, one tensor at a time, and from a model back to files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from internvl.checkpoint import native, original
from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.keymap import Layout, keymap
from internvl.checkpoint.placement import Devices, devices_of
from internvl.checkpoint.shards import write_shards, write_text
from internvl.models.build import meta_model
from internvl.models.config import InternVLConfig
from internvl.models.internvl import InternVL

DEFAULT_SHARD_BYTES = 5 << 30
DTYPE_NAMES = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}


def load_model(folder: Path, *, devices: Devices = "cpu", dtype: torch.dtype | None = None) -> InternVL:
    """The model of a checkpoint folder, in evaluation mode.

    devices: one device, 'auto', or a map of released module names to devices. dtype: None keeps the stored type, except
    that float16 becomes float32 on a CPU, which has no fast float16 arithmetic.
    Memory peaks at the model plus the largest tensor; weights that need no change stay mapped to their file.
    """
    return load_weights(Checkpoint(folder), devices=devices, dtype=dtype)


def load_weights(checkpoint: Checkpoint, *, devices: Devices = "cpu", dtype: torch.dtype | None = None) -> InternVL:
    """`load_model` for an opened checkpoint."""
    model = meta_model(checkpoint.config)
    places = devices_of(checkpoint.config, devices)
    for entry in checkpoint.entries:
        device = places[entry.ours]
        stored = entry.join([checkpoint.reader.tensor(name) for name in entry.stored])
        wanted = dtype or _stored_or_fast(stored.dtype, device)
        _assign(model, entry.ours, stored.to(device=device, dtype=wanted))
    return model.eval()


def save_model(
    model: InternVL,
    folder: Path,
    *,
    layout: Layout = "original",
    placeholder_id: int = -1,
    max_shard_bytes: int = DEFAULT_SHARD_BYTES,
) -> None:
    """Write config.json and safetensors in either layout. `placeholder_id` goes into the native config."""
    dtype = DTYPE_NAMES[model.dtype]
    state = dict(model.named_parameters())
    folder.mkdir(parents=True, exist_ok=True)
    write_config(folder, model.config, layout=layout, dtype=dtype, placeholder_id=placeholder_id)
    entries = keymap(model.config, layout)
    sizes = {}
    for entry in entries:
        for name, part in zip(entry.stored, entry.stored_shapes(tuple(state[entry.ours].shape)), strict=True):
            sizes[name] = torch.Size(part).numel() * state[entry.ours].element_size()

    def tensors() -> Iterator[tuple[str, Tensor]]:
        for entry in entries:
            yield from zip(entry.stored, entry.split(state[entry.ours].detach()), strict=True)

    write_shards(folder, tensors(), sizes, max_shard_bytes=max_shard_bytes)


def write_config(folder: Path, config: InternVLConfig, *, layout: Layout, dtype: str, placeholder_id: int) -> None:
    """Write config.json of a layout."""
    if layout == "original":
        values = original.write_original(config, dtype=dtype)
    else:
        values = native.write_native(config, dtype=dtype, placeholder_id=placeholder_id)
    write_text(folder / "config.json", json.dumps(values, indent=2, ensure_ascii=False, sort_keys=True) + "\n")


def _assign(model: nn.Module, name: str, tensor: Tensor) -> None:
    owner, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(owner), leaf, nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))


def _stored_or_fast(stored: torch.dtype, device: torch.device) -> torch.dtype:
    return torch.float32 if stored == torch.float16 and device.type == "cpu" else stored
