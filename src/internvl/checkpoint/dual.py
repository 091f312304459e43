"""Checkpoints of InternVL 1.0 (`InternVL-14B-224px`): config.json and tensor names of the released layout <-> `DualModel`.

folder -> config.json -> DualConfig -> safetensors headers checked -> tensors one by one -> model, and back

The released files hold a token embedding and an output head, and their config.json doesn't say that they are apart. The original code
then makes one tensor of them while it loads, and what it loads last, the head, is what both become. So it is here: the stored
embedding is not looked at, unless config.json has `"tie_word_embeddings": false` at its top.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from internvl.checkpoint.distributed import whole
from internvl.checkpoint.fields import Fields, read_json
from internvl.checkpoint.keymap import Entry, language_entries, linear_entries, vision_entries
from internvl.checkpoint.language_config import read_language, write_language
from internvl.checkpoint.load import DEFAULT_SHARD_BYTES, DTYPE_NAMES, stored_or_fast
from internvl.checkpoint.original import read_vision, write_vision
from internvl.checkpoint.placing import assign, read_parameter
from internvl.checkpoint.shard_header import DTYPES
from internvl.checkpoint.shard_writer import json_text, specs_of, write_shards, write_text
from internvl.checkpoint.shards import ShardReader
from internvl.checkpoint.stored_tensors import check_names, check_shapes
from internvl.errors import CheckpointError, ConfigError
from internvl.models.contrastive.config import DualConfig
from internvl.models.contrastive.dual import DualModel

MODEL_TYPE = "internvl"
QLLAMA = "qllama_config"
EMBEDDING, HEAD = "qllama.model.embed_tokens.weight", "qllama.lm_head.weight"


def is_dual(folder: Path) -> bool:
    """Whether a folder's config.json describes a dual encoder (the native chat layout shares its model_type)."""
    return QLLAMA in read_json(folder / "config.json")


def read_dual_config(values: dict[str, Any], where: str) -> DualConfig:
    """The released JSON -> DualConfig. Raises ConfigError with the field at fault."""
    try:
        return _dual_config(values, where)
    except ConfigError as error:  # sizes that contradict each other are found by the config itself, which knows no file
        raise error if where in str(error) else ConfigError(f"{where}: {error}") from error


def _dual_config(values: dict[str, Any], where: str) -> DualConfig:
    fields = Fields(values, where)
    if values.get("model_type") != MODEL_TYPE or QLLAMA not in values:
        raise ConfigError(
            f"{where}: a dual encoder has the model_type {MODEL_TYPE!r} and a {QLLAMA}, not {values.get('model_type')!r:.60}; "
            "chat models are opened by internvl.load"
        )
    fields.expect("use_backbone_lora", 0, "merge the adapter first")
    fields.expect("use_qllama_lora", 0, "merge the adapter first")
    language = read_language(fields.sub(QLLAMA), family="llama")
    return DualConfig(
        vision=read_vision(fields.sub("vision_config")),
        language=replace(language, tie_embeddings=fields.get("tie_word_embeddings", bool, True)),
        embed_dim=fields.get("clip_embed_dim", int, 768),
        pool_heads=fields.get("attn_pool_num_heads", int, 16),
        queries=fields.get("num_query_token", int, 96),
        cross_every=fields.sub(QLLAMA).get("cross_attention_frequency", int, fields.get("cross_attention_frequency", int, 2)),
        label_smoothing=fields.get("label_smoothing", float, 0.0),
    )


def write_dual_config(config: DualConfig, *, dtype: str) -> dict[str, Any]:
    """DualConfig -> the JSON that the original code expects."""
    language = write_language(config.language, native=False)
    return {
        "architectures": ["InternVLModel"],
        "model_type": MODEL_TYPE,
        "attn_pool_num_heads": config.pool_heads,
        "clip_embed_dim": config.embed_dim,
        "cross_attention_frequency": config.cross_every,
        "force_image_size": None,
        "hidden_size": config.language.hidden_size,
        "label_smoothing": config.label_smoothing,
        "num_query_token": config.queries,
        QLLAMA: language | {"cross_attention_frequency": config.cross_every, "num_query_token": config.queries, "torch_dtype": dtype},
        "tie_word_embeddings": config.language.tie_embeddings,
        "torch_dtype": dtype,
        "use_backbone_lora": 0,
        "use_qllama_lora": 0,
        "vision_config": write_vision(config.vision) | {"torch_dtype": dtype},
    }


def dual_keymap(config: DualConfig) -> list[Entry]:
    """Every parameter by our name and by the released one."""
    return [
        *vision_entries(config.vision),
        *_language(config),
        *_crosses(config),
        Entry("text_projection", ("text_projection",)),
        Entry("logit_scale", ("logit_scale",), scalar=True),
        *_pool("pool", "clip_projector"),
        *(_query_side() if config.queries else ()),
    ]


def load_dual_model(folder: Path, *, device: torch.device | str = "cpu", dtype: torch.dtype | None = None) -> DualModel:
    """The dual encoder of a checkpoint folder, in evaluation mode. Tensors come one at a time, however many shards there are.

    dtype: None keeps the stored type, except that float16 becomes float32 on a CPU. Raises CheckpointError, ConfigError.
    """
    stored = open_dual(folder)
    place = torch.device(device)
    wanted = dtype or stored_or_fast(stored_dtype(folder), {place})
    for entry in stored.entries:
        assign(stored.model, entry.ours, read_parameter(stored.reader, entry, device=place, dtype=wanted))
    return stored.model


@dataclass(frozen=True)
class StoredDual:
    """A checkpoint whose names and shapes are right. model: in evaluation mode, without values yet."""

    config: DualConfig
    entries: list[Entry]
    reader: ShardReader
    model: DualModel


def open_dual(folder: Path) -> StoredDual:
    """Read config.json and the headers of the shards. Raises CheckpointError for a tensor missing, unknown or of a wrong shape."""
    where = folder / "config.json"
    config = read_dual_config(read_json(where), str(where))
    reader = ShardReader(folder)
    entries = dual_keymap(config)
    check_names(folder, entries, reader.names() - ({EMBEDDING} if config.language.tie_embeddings else set()))
    with torch.device("meta"):
        model = DualModel(config).eval()
    check_shapes(folder, entries, reader, {name: tuple(parameter.shape) for name, parameter in model.named_parameters()})
    return StoredDual(config, entries, reader, model)


def stored_dtype(folder: Path) -> torch.dtype:
    """The number type of a dual encoder's folder: that of its output head, as tensors may differ."""
    return DTYPES[ShardReader(folder).info(HEAD).dtype]


def save_dual_model(
    model: DualModel,
    folder: Path,
    *,
    dtype: torch.dtype | None = None,
    write: bool = True,
    max_shard_bytes: int = DEFAULT_SHARD_BYTES,
) -> None:
    """Write config.json and safetensors in the released layout. dtype: None keeps the model's.

    A model in shards is put together tensor by tensor: then all ranks call this, and `write` is true on one.
    """
    dtype = dtype or model.dtype
    if dtype not in DTYPE_NAMES:
        raise CheckpointError(f"a checkpoint holds {', '.join(DTYPE_NAMES.values())}, not {dtype}")
    state, entries = dict(model.named_parameters()), dual_keymap(model.config)
    specs = specs_of(entries, state, dtype)
    tied = model.config.language.tie_embeddings
    if tied:  # the original code expects both names
        specs[EMBEDDING] = specs[HEAD]

    def tensors() -> Iterator[tuple[str, Tensor]]:
        for entry in entries:
            yield from zip(entry.stored, entry.split(whole(state[entry.ours]).to(dtype)), strict=True)
        if tied:
            yield EMBEDDING, whole(model.language_model.embedding.weight).to(dtype)

    if not write:
        for _ in tensors():
            pass
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "config.json", json_text(write_dual_config(model.config, dtype=DTYPE_NAMES[dtype])))
    write_shards(folder, tensors(), specs, max_shard_bytes=max_shard_bytes)


def _language(config: DualConfig) -> Iterator[Entry]:
    for entry in language_entries(config.language, "llama", "qllama.model", HEAD.removesuffix(".weight")):
        tied = entry.stored == (EMBEDDING,) and config.language.tie_embeddings
        yield Entry(entry.ours, (HEAD,)) if tied else entry


def _crosses(config: DualConfig) -> Iterator[Entry]:
    for i in range(config.language.num_layers):
        if config.looks(i):
            ours, theirs = f"language_model.layers.{i}.cross", f"qllama.model.layers.{i}.cross_attn"
            for name, stored in zip(("norm1", "norm2", "q", "k", "v", "out"), ("norm1", "norm2", *_PROJECTIONS), strict=True):
                yield from linear_entries(f"{ours}.{name}", f"{theirs}.{stored}", bias=False)


_PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj")


def _query_side() -> Iterator[Entry]:
    yield Entry("queries", ("query_tokens",))
    yield from _pool("query_pool", "clip_projector2")
    yield from linear_entries("match_head", "itm_head", bias=True)


def _pool(ours: str, theirs: str) -> Iterator[Entry]:
    for part in "qkv":
        yield from linear_entries(f"{ours}.norm_{part}", f"{theirs}.norm1_{part}", bias=True)
        yield Entry(f"{ours}.{part}.weight", (f"{theirs}.cross_attn.{part}.weight",))
        yield Entry(f"{ours}.{part}.bias", (f"{theirs}.cross_attn.{part}_bias",))
    yield from linear_entries(f"{ours}.out", f"{theirs}.cross_attn.proj", bias=True)
