"""A checkpoint folder, understood: which layout, which model, and where each of its tensors is. Nothing is allocated yet.

folder -> config.json (layout, InternVLConfig) -> safetensors headers -> every expected tensor present, in the right shape
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from internvl.checkpoint import native, original
from internvl.checkpoint.fields import Fields, read_json
from internvl.checkpoint.keymap import Layout, keymap
from internvl.checkpoint.quantised_config import is_quantised, plain_values, read_quantization
from internvl.checkpoint.quantised_reader import QuantisedReader
from internvl.checkpoint.shard_header import DTYPES
from internvl.checkpoint.shards import ShardReader, TensorReader
from internvl.checkpoint.stored_tensors import check_names, check_shapes
from internvl.checkpoint.surgery import plain
from internvl.errors import CheckpointError, ConfigError
from internvl.media.tiling import MAX_TILES
from internvl.models.build import parameter_shapes
from internvl.models.config import InternVLConfig
from internvl.prompt.templates import TEMPLATES

REFUSAL = (
    "the weights are quantised: such a model chats, and is served, scored and shown, but is not trained, merged or taken apart. "
    "`internvl convert SRC DST --to original --dtype bfloat16` writes plain weights from it"
)


class Checkpoint:
    """An opened checkpoint. `layout` is 'original' or 'native', `config` what its JSON says, `reader` its tensors.

    quantised: whether a folder of packed weights is welcome. Its `raw` and its `reader` are then those of the plain model that its
    integers stand for, in the original layout and of type `dtype` (None: that of the model it was made from), and `packed` has the
    weights as they lie on disk.
    Raises CheckpointError or ConfigError, with the file and the field or tensor at fault, before any memory is spent.
    """

    def __init__(self, folder: Path, *, quantised: bool = False, dtype: torch.dtype | None = None) -> None:
        self.folder = folder
        where = str(folder / "config.json")
        self.raw = read_json(folder / "config.json")
        self.packed: QuantisedReader | None = None
        config = read_config(self.raw, where)
        if is_quantised(self.raw):
            if not quantised:
                raise CheckpointError(f"{folder}: {REFUSAL}")
            self.packed = _open_packed(folder, self.raw, config, dtype)
            self.raw = plain_values(self.raw, str(self.packed.dtype).removeprefix("torch."))
        self.layout = layout_of(self.raw, where)
        self.reader: TensorReader = self.packed or plain(ShardReader(folder), self.raw, where)
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
    if model_type == original.MODEL_TYPE or is_quantised(raw):
        return "original"
    if model_type == native.MODEL_TYPE and "text_config" in raw:
        return "native"
    if "qllama_config" in raw:
        raise ConfigError(f"{where} describes a dual encoder (InternVL-C and -G), which does not chat: open it by internvl.load_dual")
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


def _open_packed(folder: Path, raw: dict[str, Any], config: InternVLConfig, dtype: torch.dtype | None) -> QuantisedReader:
    where = str(folder / "config.json")
    quantization = read_quantization(raw, config, where)
    named = Fields(raw, where).get("torch_dtype", str)
    known = {str(known).removeprefix("torch."): known for known in DTYPES.values() if known.is_floating_point}
    if named not in known:
        raise ConfigError(f"{where}: torch_dtype must be one of {', '.join(known)}, not {named!r:.60}")
    return QuantisedReader(folder, config, quantization, dtype=dtype or known[named])


def _untied_if_stored(config: InternVLConfig, names: set[str]) -> InternVLConfig:
    """The files decide whether the head is tied: the released class unties it whatever its language model's config says."""
    stored = any(name.endswith(("lm_head.weight", "language_model.output.weight")) for name in names)
    if stored and config.language.tie_embeddings:
        return replace(config, language=replace(config.language, tie_embeddings=False))
    return config
