"""From a checkpoint to a model on its devices, one tensor at a time, and from a model back to files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from internvl.checkpoint import native, original
from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.keymap import Entry, Layout, keymap
from internvl.checkpoint.placement import Devices, devices_of
from internvl.checkpoint.shard_header import DTYPES
from internvl.checkpoint.shard_writer import TensorSpec, write_shards, write_text
from internvl.errors import ConfigError
from internvl.models.build import meta_model
from internvl.models.config import InternVLConfig
from internvl.models.internvl import InternVL

DEFAULT_SHARD_BYTES = 5 << 30
DTYPE_NAMES = {torch.float64: "float64", torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}


def load_model(folder: Path, *, devices: Devices = "cpu", dtype: torch.dtype | None = None) -> InternVL:
    """The model of a checkpoint folder, in evaluation mode.

    devices: one device, 'auto', or a map of released module names to devices. dtype: None keeps the stored type, except
    that float16 becomes float32 on a CPU, which has no fast float16 arithmetic.
    All weights get one type, that of the token embedding, even where a release mixed two. Memory peaks at the model plus the
    largest tensor; weights that need no change stay mapped to their file.
    """
    return load_weights(Checkpoint(folder), devices=devices, dtype=dtype)


def load_weights(checkpoint: Checkpoint, *, devices: Devices = "cpu", dtype: torch.dtype | None = None) -> InternVL:
    """`load_model` for an opened checkpoint."""
    model = meta_model(checkpoint.config)
    places = devices_of(checkpoint.config, devices)
    wanted = dtype or _stored_or_fast(checkpoint.dtype, set(places.values()))
    for entry in checkpoint.entries:
        _assign(model, entry.ours, _read(checkpoint, entry, places[entry.ours], wanted))
    return model.eval()


def save_model(
    model: InternVL,
    folder: Path,
    *,
    layout: Layout = "original",
    placeholder_id: int = -1,
    max_shard_bytes: int = DEFAULT_SHARD_BYTES,
    token_ids: Mapping[str, int] | None = None,
) -> None:
    """Write config.json and safetensors in either layout.

    placeholder_id: id of `<IMG_CONTEXT>`, which the native config must name. token_ids: `bos_token_id`, `eos_token_id` and
    `pad_token_id` of the language model, for peers that read them from its config.
    Raises ConfigError for a model that the layout can't express.
    """
    if model.dtype not in DTYPE_NAMES:
        raise ConfigError(f"a checkpoint holds {', '.join(DTYPE_NAMES.values())}, not {model.dtype}; convert the model first")
    state = dict(model.named_parameters())
    entries = keymap(model.config, layout)
    strange = sorted(state.keys() - {entry.ours for entry in entries})
    if strange:
        raise ConfigError(
            f"no layout has a place for {strange[0]!r} and {len(strange) - 1} more: merge adapters before saving the model"
        )
    specs = {}
    for entry in entries:
        for name, shape in zip(entry.stored, entry.stored_shapes(tuple(state[entry.ours].shape)), strict=True):
            specs[name] = TensorSpec(shape, state[entry.ours].dtype)
    values = config_values(model.config, layout=layout, dtype=model.dtype, placeholder_id=placeholder_id, token_ids=token_ids or {})
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "config.json", json_text(values))

    def tensors() -> Iterator[tuple[str, Tensor]]:
        for entry in entries:
            yield from zip(entry.stored, entry.split(state[entry.ours].detach()), strict=True)

    write_shards(folder, tensors(), specs, max_shard_bytes=max_shard_bytes)


def config_values(
    config: InternVLConfig, *, layout: Layout, dtype: torch.dtype, placeholder_id: int, token_ids: Mapping[str, int]
) -> dict[str, Any]:
    """The config.json of a layout. The `token_ids` go into the language model's part."""
    if layout == "original":
        values, part = original.write_original(config, dtype=DTYPE_NAMES[dtype]), "llm_config"
    else:
        values, part = native.write_native(config, dtype=DTYPE_NAMES[dtype], placeholder_id=placeholder_id), "text_config"
    values[part] |= token_ids
    return values


def json_text(values: Mapping[str, Any]) -> str:
    """JSON as people read it."""
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _read(checkpoint: Checkpoint, entry: Entry, device: torch.device, wanted: torch.dtype) -> Tensor:
    reader = checkpoint.reader
    info = reader.info(entry.stored[0])
    as_stored = entry.is_copy and device.type == "cpu" and DTYPES[info.dtype] == wanted
    stored = [reader.tensor(name, stays=as_stored) for name in entry.stored]
    return entry.join(stored, dtype=wanted, device=device)


def _assign(model: nn.Module, name: str, tensor: Tensor) -> None:
    owner, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(owner), leaf, nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))


def _stored_or_fast(stored: torch.dtype, devices: set[torch.device]) -> torch.dtype:
    on_cpu = any(device.type == "cpu" for device in devices)
    return torch.float32 if stored == torch.float16 and on_cpu else stored
