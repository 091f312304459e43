"""From one layout to the other, tensor by tensor and bit for bit.

    original (InternVLChatModel)  <->  native (InternVLForConditionalGeneration of transformers)

The source's config.json travels inside the target's, so that converting back restores it to the letter. LoRA wrappers and int8
come out merged and dequantised, which is the one thing a way back can't undo.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from internvl.checkpoint import native
from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.fields import read_json
from internvl.checkpoint.keymap import Entry, Layout, keymap
from internvl.checkpoint.load import DEFAULT_SHARD_BYTES, DTYPE_NAMES, write_config
from internvl.checkpoint.native_files import write_processor_files
from internvl.checkpoint.shards import DTYPES, write_shards, write_text
from internvl.errors import CheckpointError
from internvl.prompt.placeholders import PLACEHOLDER
from internvl.prompt.tokenizer import load_tokenizer

SOURCE_CONFIG = "converted_from"
# Files that mean the same in both layouts; code files of a release are left behind.
CARRIED = (
    "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "generation_config.json",
)  # fmt: skip

Progress = Callable[[int, int], None]


def convert(
    source: Path,
    target: Path,
    *,
    layout: Layout,
    max_shard_bytes: int = DEFAULT_SHARD_BYTES,
    progress: Progress | None = None,
) -> None:
    """Write the checkpoint in `source` to `target` in a layout; the same layout merges and re-shards.

    Numbers keep their type and their bits. Memory peaks at one shard. `progress(done, total)` counts tensors.
    Raises CheckpointError when `target` holds files already, ConfigError when the layout can't express the model.
    """
    if target.exists() and any(target.iterdir()):
        raise CheckpointError(f"{target} is not empty; give a new folder")
    checkpoint = Checkpoint(source)
    target.mkdir(parents=True, exist_ok=True)
    placeholder_id = load_tokenizer(source).token_id(PLACEHOLDER)
    _write_config(checkpoint, target, layout, placeholder_id)
    by_ours = {entry.ours: entry for entry in checkpoint.entries}
    entries = keymap(checkpoint.config, layout)
    sizes = _sizes(checkpoint, entries, by_ours)
    tensors = _tensors(checkpoint, entries, by_ours, progress)
    write_shards(target, tensors, sizes, max_shard_bytes=max_shard_bytes)
    for name in CARRIED:
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)
    if layout == "native":
        write_processor_files(target, checkpoint.config)


def _tensors(
    checkpoint: Checkpoint, entries: list[Entry], by_ours: dict[str, Entry], progress: Progress | None
) -> Iterator[tuple[str, Tensor]]:
    for done, entry in enumerate(entries, start=1):
        stored = by_ours[entry.ours]
        ours = stored.join([checkpoint.reader.tensor(name) for name in stored.stored])
        yield from zip(entry.stored, entry.split(ours), strict=True)
        if progress is not None:
            progress(done, len(entries))


def _sizes(checkpoint: Checkpoint, entries: list[Entry], by_ours: dict[str, Entry]) -> dict[str, int]:
    """Bytes of every tensor of the target, from the source's headers."""
    sizes: dict[str, int] = {}
    for entry in entries:
        infos = [checkpoint.reader.info(name) for name in by_ours[entry.ours].stored]
        shape = (sum(info.shape[0] for info in infos), *infos[0].shape[1:])
        for name, part in zip(entry.stored, entry.stored_shapes(shape), strict=True):
            sizes[name] = torch.Size(part).numel() * DTYPES[infos[0].dtype].itemsize
    return sizes


def _write_config(checkpoint: Checkpoint, target: Path, layout: Layout, placeholder_id: int) -> None:
    before = _source_config(checkpoint.raw)
    if layout == checkpoint.layout or (before is not None and _layout_matches(before, layout)):
        values = checkpoint.raw if layout == checkpoint.layout else before
        write_text(target / "config.json", _json(_without_wrappers(values or {})))
        return
    write_config(target, checkpoint.config, layout=layout, dtype=DTYPE_NAMES[checkpoint.dtype], placeholder_id=placeholder_id)
    values = read_json(target / "config.json")
    values[SOURCE_CONFIG] = _without_wrappers(checkpoint.raw)
    write_text(target / "config.json", _json(values))


def _source_config(raw: dict[str, Any]) -> dict[str, Any] | None:
    before = raw.get(SOURCE_CONFIG)
    return before if isinstance(before, dict) else None


def _layout_matches(raw: dict[str, Any], layout: Layout) -> bool:
    return (raw.get("model_type") == native.MODEL_TYPE) == (layout == "native")


def _without_wrappers(raw: dict[str, Any]) -> dict[str, Any]:
    """The config of the merged weights: no LoRA ranks, no quantisation."""
    merged = {key: value for key, value in raw.items() if key not in (SOURCE_CONFIG, "quantization_config")}
    return merged | {key: 0 for key in ("use_backbone_lora", "use_llm_lora") if key in merged}


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
