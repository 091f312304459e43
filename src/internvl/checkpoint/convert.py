"""From one layout to the other, tensor by tensor and bit for bit.

    original (InternVLChatModel)  <->  native (InternVLForConditionalGeneration of transformers)

The source's config.json travels inside the target's, so that converting back restores it to the letter. LoRA wrappers and int8
come out merged and dequantised, which is the one thing a way back can't undo.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard

import torch
from torch import Tensor

from internvl.checkpoint.amend import BEFORE, restore_json
from internvl.checkpoint.checkpoint import Checkpoint, layout_of, read_config
from internvl.checkpoint.keymap import Entry, Layout, keymap
from internvl.checkpoint.load import DEFAULT_SHARD_BYTES, config_values
from internvl.checkpoint.native_files import write_native_files
from internvl.checkpoint.shard_header import DTYPES
from internvl.checkpoint.shard_writer import TensorSpec, json_text, write_shards, write_text
from internvl.checkpoint.whole_folder import whole_folder
from internvl.errors import CheckpointError, ConfigError
from internvl.prompt.placeholders import PLACEHOLDER
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer

# Files that mean the same in both layouts; code files of a release are left behind.
CARRIED = (
    "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "generation_config.json", "preprocessor_config.json", "processor_config.json",
    "video_preprocessor_config.json", "chat_template.jinja", "README.md", "LICENSE",
)  # fmt: skip

Progress = Callable[[int, int], None]


def convert(
    source: Path,
    target: Path,
    *,
    layout: Layout,
    dtype: torch.dtype | None = None,
    max_shard_bytes: int = DEFAULT_SHARD_BYTES,
    progress: Progress | None = None,
) -> None:
    """Write the checkpoint in `source` to `target` in a layout; the same layout merges and re-shards.

    Numbers keep their type and their bits. dtype: for a quantised source, which is written as the plain weights it stands for.
    Memory peaks at a few tensors. `progress(done, total)` counts tensors. `target` appears when it is whole: until then the files are
    in `TARGET.partial` beside it, which the next attempt replaces.
    Raises CheckpointError when `target` holds files already, ConfigError when the layout can't express the model.
    """
    with whole_folder(target) as partial:
        checkpoint = Checkpoint(source, quantised=dtype is not None, dtype=dtype)
        if dtype is not None and checkpoint.packed is None:
            raise ConfigError(f"{source} is not quantised, and a conversion keeps the type of its numbers: leave the dtype away")
        write_text(partial / "config.json", json_text(_config(checkpoint, layout)))
        copy_files(checkpoint, partial, layout)
        _write_weights(checkpoint, partial, layout, max_shard_bytes, progress)


def original_values(checkpoint: Checkpoint) -> dict[str, Any]:
    """A config.json of the original layout that says all that is known of the model, whatever layout it was read from."""
    ids = token_ids_of(checkpoint, load_tokenizer(checkpoint.folder))
    return config_values(checkpoint.config, layout="original", dtype=checkpoint.dtype, placeholder_id=-1, token_ids=ids)


def _write_weights(checkpoint: Checkpoint, folder: Path, layout: Layout, max_shard_bytes: int, progress: Progress | None) -> None:
    by_ours = {entry.ours: entry for entry in checkpoint.entries}
    pairs = [(by_ours[entry.ours], entry) for entry in keymap(checkpoint.config, layout)]
    tensors = _tensors(checkpoint, pairs, progress)
    write_shards(folder, tensors, _specs(checkpoint, pairs), max_shard_bytes=max_shard_bytes)


def _tensors(checkpoint: Checkpoint, pairs: list[tuple[Entry, Entry]], progress: Progress | None) -> Iterator[tuple[str, Tensor]]:
    for done, (before, after) in enumerate(pairs, start=1):
        if before.same_storage(after):
            for old, new in zip(before.stored, after.stored, strict=True):
                yield new, checkpoint.reader.tensor(old)
        else:
            ours = before.join([checkpoint.reader.tensor(name) for name in before.stored])
            yield from zip(after.stored, after.split(ours), strict=True)
            del ours  # before the next is joined, so that there is one at a time
        if progress is not None:
            progress(done, len(pairs))


def _specs(checkpoint: Checkpoint, pairs: list[tuple[Entry, Entry]]) -> dict[str, TensorSpec]:
    """What every tensor of the target will be, from the source's headers."""
    specs: dict[str, TensorSpec] = {}
    for before, after in pairs:
        infos = [checkpoint.reader.info(name) for name in before.stored]
        shape = (sum(info.shape[0] for info in infos), *infos[0].shape[1:]) if len(infos) > 1 else infos[0].shape
        kinds = [info.dtype for info in infos]
        if len(set(kinds)) > 1 and not before.same_storage(after):
            raise CheckpointError(f"{', '.join(before.stored)} become one tensor, but have the types {', '.join(kinds)}")
        kinds = kinds if len(kinds) == len(after.stored) else kinds[:1] * len(after.stored)
        for name, part, kind in zip(after.stored, after.stored_shapes(shape), kinds, strict=True):
            specs[name] = TensorSpec(part, DTYPES[kind])
    return specs


def _config(checkpoint: Checkpoint, layout: Layout) -> dict[str, Any]:
    """The target's config.json: the source's own, the one it was made from, or a new one that holds the source's."""
    own = _without_wrappers(checkpoint.raw)
    if layout == checkpoint.layout:
        return own
    before = checkpoint.raw.get(BEFORE)
    if isinstance(before, dict) and _describes(before, checkpoint, layout):
        return before
    tokenizer = load_tokenizer(checkpoint.folder)
    values = config_values(
        checkpoint.config,
        layout=layout,
        dtype=checkpoint.dtype,
        placeholder_id=tokenizer.token_id(PLACEHOLDER),
        token_ids=token_ids_of(checkpoint, tokenizer),
    )
    return values | {BEFORE: {key: value for key, value in own.items() if key != BEFORE}}


def _describes(before: dict[str, Any], checkpoint: Checkpoint, layout: Layout) -> bool:
    """Whether the config that a checkpoint was made from still fits: its vocabulary, say, may have grown since."""
    where = f"{checkpoint.folder / 'config.json'} {BEFORE}"
    if layout_of(before, where) != layout:
        return False
    config = read_config(before, where)
    language = replace(config.language, tie_embeddings=checkpoint.config.language.tie_embeddings)
    return replace(config, language=language) == checkpoint.config


def token_ids_of(checkpoint: Checkpoint, tokenizer: Tokenizer) -> dict[str, int]:
    """Ids of bos, eos and pad: those of the source's language model where they are words of it, else the tokenizer's."""
    part = checkpoint.raw["llm_config" if checkpoint.layout == "original" else "text_config"]
    known = {"bos_token_id": tokenizer.bos_id, "eos_token_id": tokenizer.eos_id, "pad_token_id": tokenizer.pad_id}
    found = {name: part[name] if _is_word(part.get(name), checkpoint) else id for name, id in known.items()}
    return {name: int(id) for name, id in found.items() if _is_word(id, checkpoint)}


def _is_word(id: Any, checkpoint: Checkpoint) -> TypeGuard[int]:
    return isinstance(id, int) and not isinstance(id, bool) and 0 <= id < checkpoint.config.language.vocab_size


def copy_files(checkpoint: Checkpoint, folder: Path, layout: Layout) -> None:
    """Tokenizer files, the card and the like, as the layout has them."""
    for name in CARRIED:
        if (checkpoint.folder / name).is_file():
            shutil.copyfile(checkpoint.folder / name, folder / name)
    if layout == checkpoint.layout:
        return
    if layout == "native":
        write_native_files(folder, checkpoint.config)
        return
    for name in CARRIED:
        if name.endswith(".json") and (folder / name).exists():
            restore_json(folder / name)


def _without_wrappers(raw: dict[str, Any]) -> dict[str, Any]:
    """The config of the merged weights: no LoRA ranks, no quantisation."""
    merged = {key: value for key, value in raw.items() if key != "quantization_config"}
    return merged | {key: 0 for key in ("use_backbone_lora", "use_llm_lora") if key in merged}
