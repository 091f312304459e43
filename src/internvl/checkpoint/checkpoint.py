"""A checkpoint folder, understood: which layout, which model, and where each of its tensors is. Nothing is allocated yet.

folder -> config.json (layout, InternVLConfig) -> safetensors headers -> every expected tensor present, in the right shape
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from internvl.checkpoint import native, original
from internvl.checkpoint.fields import read_json
from internvl.checkpoint.keymap import Layout, keymap
from internvl.checkpoint.shard_header import DTYPES
from internvl.checkpoint.shards import ShardReader, TensorReader
from internvl.checkpoint.stored_tensors import check_names, check_shapes
from internvl.checkpoint.surgery import plain
from internvl.errors import ConfigError
from internvl.media.tiling import MAX_TILES
from internvl.models.build import parameter_shapes
from internvl.models.config import InternVLConfig
from internvl.prompt.templates import TEMPLATES


class Checkpoint:
    """An opened checkpoint. `layout` is 'original' or 'native', `config` what its JSON says, `reader` its tensors.

    Raises CheckpointError or ConfigError, with the file and the field or tensor at fault, before any memory is spent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        where = str(folder / "config.json")
        self.raw = read_json(folder / "config.json")
        self.layout = layout_of(self.raw, where)
        config = read_config(self.raw, where)
        self.reader: TensorReader = plain(ShardReader(folder), self.raw, where)
        names = self.reader.names()
        self.config = _untied_if_stored(config, names)
        early = self.layout == "native" and any(name.startswith("vision_tower.") for name in names)
        self.entries = keymap(self.config, self.layout, prefix="" if early else "model.")
        # Names first: a hostile number of layers fails here, before a module is built for its shapes.
        check_names(folder, self.entries, names)
        check_shapes(folder, self.entries, self.reader, parameter_shapes(self.config))

    @property
    def dtype(self) -> torch.dtype:
        """Number type of the model: that of its token embedding, should some tensors (norms, scales) have another."""
        embedding = next(entry for entry in self.entries if entry.ours == "language_model.embedding.weight")
        return DTYPES[self.reader.info(embedding.stored[0]).dtype]


def layout_of(raw: dict[str, Any], where: str) -> Layout:
    """Which layout a config.json is of."""
    model_type = raw.get("model_type")
    if model_type == original.MODEL_TYPE:
        return "original"
    if model_type == native.MODEL_TYPE and "text_config" in raw:
        return "native"
    raise ConfigError(
        f"{where}: model_type must be {original.MODEL_TYPE!r} (original) or {native.MODEL_TYPE!r} with a text_config "
        f"(transformers-native), not {model_type!r:.60}"
    )


def read_config(raw: dict[str, Any], where: str) -> InternVLConfig:
    """The model a config.json of either layout describes, its template known. ConfigError names what is impossible."""
    reader = original.read_original if layout_of(raw, where) == "original" else native.read_native
    try:
        config = reader(raw, where)
    except ConfigError as error:
        # Sizes that contradict each other are found by the config itself, which knows no file.
        raise error if where in str(error) else ConfigError(f"{where}: {error}") from error
    if config.template not in TEMPLATES:
        raise ConfigError(f"{where}: unknown template {config.template!r:.60}; known are {', '.join(TEMPLATES)}")
    if config.max_tiles > MAX_TILES:
        raise ConfigError(f"{where}: at most {MAX_TILES} tiles a picture are supported, not {config.max_tiles}")
    return config


def _untied_if_stored(config: InternVLConfig, names: set[str]) -> InternVLConfig:
    """The files decide whether the head is tied: the released class unties it whatever its language model's config says."""
    stored = any(name.endswith(("lm_head.weight", "language_model.output.weight")) for name in names)
    if stored and config.language.tie_embeddings:
        return replace(config, language=replace(config.language, tie_embeddings=False))
    return config
