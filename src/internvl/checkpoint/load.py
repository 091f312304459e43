"""From a checkpoint to a model on its devices, one tensor at a time, and from a model back to files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from internvl.checkpoint import native, original
from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.keymap import Layout, keymap
from internvl.checkpoint.placement import Devices, devices_of
from internvl.checkpoint.placing import assign, read_parameter
from internvl.checkpoint.quantised import load_packed, load_quantising
from internvl.checkpoint.shard_writer import json_text, specs_of, write_shards, write_text
from internvl.errors import ConfigError
from internvl.models.build import meta_model
from internvl.models.config import InternVLConfig
from internvl.models.internvl import InternVL
from internvl.quantize.gpu import quantised_on_gpu
from internvl.quantize.layer import layers_of
from internvl.quantize.plan import PRESETS, QuantPlan

DEFAULT_SHARD_BYTES = 5 << 30
DTYPE_NAMES = {torch.float64: "float64", torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}


def load_model(folder: Path, *, devices: Devices = "cpu", dtype: torch.dtype | None = None) -> InternVL:
    """The model of a checkpoint folder, in evaluation mode.

    devices: one device, 'auto', or a map of released module names to devices. dtype: None keeps the stored type, except
    that float16 becomes float32 on a CPU, which has no fast float16 arithmetic.
    All weights get one type, that of the token embedding, even where a release mixed two. Memory peaks at the model plus the
    largest tensor; weights that need no change stay mapped to their file.
    """
    return load_weights(Checkpoint(folder, quantised=True), devices=devices, dtype=dtype)


def load_weights(
    checkpoint: Checkpoint, *, devices: Devices = "cpu", dtype: torch.dtype | None = None, plan: QuantPlan | None = None
) -> InternVL:
    """`load_model` for an opened checkpoint. plan: quantise a plain one on the way; `dtype` is then that of what stays as it is.

    Packed weights are for the CPU: on other devices a quantised folder is read as the plain weights that it stands for.
    """
    places = devices_of(checkpoint.config, devices)
    kinds = {device.type for device in places.values()}
    wanted = dtype or stored_or_fast(checkpoint.dtype, set(places.values()))
    if checkpoint.packed is not None and plan is not None and PRESETS.get(checkpoint.packed.quantization.name) != plan:
        raise ConfigError(f"{checkpoint.folder} is quantised already ({checkpoint.packed.quantization.name}); load it as it is")
    if checkpoint.packed is not None and kinds == {"cpu"}:
        return load_packed(checkpoint.packed, checkpoint.config, dtype=wanted)
    if plan is not None and kinds == {"cpu"}:
        return load_quantising(checkpoint.reader, checkpoint.entries, checkpoint.config, plan, dtype=wanted)
    model = meta_model(checkpoint.config)
    for entry in checkpoint.entries:
        assign(model, entry.ours, read_parameter(checkpoint.reader, entry, device=places[entry.ours], dtype=wanted))
    return model.eval() if plan is None else quantised_on_gpu(model.eval(), plan)


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
    if packed := layers_of(model):
        raise ConfigError(f"{next(iter(packed))} is packed, and a plain checkpoint has no place for that; use save_quantised")
    state = dict(model.named_parameters())
    entries = keymap(model.config, layout)
    strange = sorted(state.keys() - {entry.ours for entry in entries})
    if strange:
        raise ConfigError(
            f"no layout has a place for {strange[0]!r} and {len(strange) - 1} more: merge adapters before saving the model"
        )
    specs = specs_of(entries, state)
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


def stored_or_fast(stored: torch.dtype, devices: set[torch.device]) -> torch.dtype:
    """The stored type, but float32 for float16 on a CPU, which has no fast float16 arithmetic."""
    on_cpu = any(device.type == "cpu" for device in devices)
    return torch.float32 if stored == torch.float16 and on_cpu else stored
