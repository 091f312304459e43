"""A checkpoint folder, understood: which layout, which model, and where each of its tensors is. Nothing is allocated yet.

folder -> config.json (layout, InternVLConfig) -> safetensors headers -> every expected tensor present, in the right shape
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from internvl.checkpoint import native, original
from internvl.checkpoint.fields import read_json
from internvl.checkpoint.keymap import Entry, Layout, keymap
from internvl.checkpoint.shards import DTYPES, ShardReader, TensorReader
from internvl.checkpoint.surgery import plain
from internvl.errors import CheckpointError, ConfigError
from internvl.models.build import meta_model
from internvl.models.config import InternVLConfig

# Buffers that old releases stored beside the weights; they are recomputed, so their presence is no fault.
_IGNORED = ("rotary_emb.inv_freq", "position_ids")


class Checkpoint:
    """An opened checkpoint. `layout` is 'original' or 'native', `config` what its JSON says, `reader` its tensors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.raw = read_json(folder / "config.json")
        self.layout = layout_of(self.raw, str(folder / "config.json"))
        self.reader: TensorReader = plain(ShardReader(folder))
        names = self.reader.names()
        config = read_config(self.raw, str(folder / "config.json"))
        self.config = _untied_if_stored(config, names)
        early = self.layout == "native" and any(name.startswith("vision_tower.") for name in names)
        self.entries = keymap(self.config, self.layout, prefix="" if early else "model.")
        self._check_names(names)
        self._check_shapes()

    @property
    def dtype(self) -> torch.dtype:
        """Number type of the stored language model (the parts of a release share one)."""
        return DTYPES[self.reader.info(self.entries[-1].stored[0]).dtype]

    def stored_infos(self) -> Iterator[tuple[Entry, list[tuple[int, ...]]]]:
        """Each entry with the shapes its stored tensors must have."""
        shapes = {name: tuple(p.shape) for name, p in meta_model(self.config).named_parameters()}
        for entry in self.entries:
            yield entry, entry.stored_shapes(shapes[entry.ours])

    def _check_names(self, names: set[str]) -> None:
        expected = {name for entry in self.entries for name in entry.stored}
        missing = sorted(expected - names)
        if missing:
            raise CheckpointError(
                f"{self.folder}: {len(missing)} tensors are missing, first {missing[0]!r}; a shard may be absent"
            )
        extra = sorted(name for name in names - expected if not name.endswith(_IGNORED))
        if extra:
            raise CheckpointError(
                f"{self.folder}: {len(extra)} tensors are not part of the model that config.json describes, first {extra[0]!r}"
            )

    def _check_shapes(self) -> None:
        for entry, shapes in self.stored_infos():
            for name, shape in zip(entry.stored, shapes, strict=True):
                found = self.reader.info(name).shape
                if found != shape:
                    raise CheckpointError(
                        f"{self.folder}: {name} has the shape {list(found)}, but config.json describes {list(shape)}"
                    )


def layout_of(raw: dict[str, Any], where: str) -> Layout:
    """Which layout a config.json is of."""
    model_type = raw.get("model_type")
    if model_type == original.MODEL_TYPE:
        return "original"
    if model_type == native.MODEL_TYPE and "text_config" in raw:
        return "native"
    raise ConfigError(
        f"{where}: model_type must be {original.MODEL_TYPE!r} (original) or {native.MODEL_TYPE!r} with a text_config "
        f"(transformers-native), not {model_type!r}"
    )


def read_config(raw: dict[str, Any], where: str) -> InternVLConfig:
    """The model a config.json of either layout describes."""
    if layout_of(raw, where) == "original":
        return original.read_original(raw, where)
    return native.read_native(raw, where)


def _untied_if_stored(config: InternVLConfig, names: set[str]) -> InternVLConfig:
    """The files decide whether the head is tied: the released class unties it whatever its language model's config says."""
    stored = any(name.endswith(("lm_head.weight", "language_model.output.weight")) for name in names)
    if stored and config.language.tie_embeddings:
        return replace(config, language=replace(config.language, tie_embeddings=False))
    return config
