"""A chat model from parts: progressive scaling (InternVL 2.0) trains a vision encoder with a small language model, then gives it a
larger one.

    InternViT folder or chat checkpoint  \\
    language model or chat checkpoint     >  one folder in the original layout, tensor by tensor
    projector, or a seed                 /

What is taken over keeps its bits, but for a position table that is stretched and tables of words that grow by nine tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from internvl.checkpoint.grow import Vocabulary, grow_vocabulary
from internvl.checkpoint.keymap import Entry, keymap
from internvl.checkpoint.language_folder import PART as LANGUAGE
from internvl.checkpoint.language_folder import LanguageSource, open_language
from internvl.checkpoint.load import DEFAULT_SHARD_BYTES, DTYPE_NAMES, config_values
from internvl.checkpoint.part import PartSource
from internvl.checkpoint.projector_source import PART as PROJECTOR
from internvl.checkpoint.projector_source import ProjectorSource, RandomProjector, open_projector
from internvl.checkpoint.shard_writer import TensorSpec, json_text, write_shards, write_text
from internvl.checkpoint.vision_folder import PART as VISION
from internvl.checkpoint.vision_folder import VisionSource, open_vision
from internvl.checkpoint.whole_folder import whole_folder
from internvl.errors import ConfigError, TokenizerError
from internvl.models.build import count_parameters, meta_model
from internvl.models.config import InternVLConfig
from internvl.prompt.templates import template_named

Progress = Callable[[int, int], None]
_EMBEDDING = "language_model.embedding.weight"
# The parameter whose number type stands for its part.
_TYPICAL = {VISION: "vision_encoder.embeddings.patch.weight", PROJECTOR: "projector.up.weight", LANGUAGE: _EMBEDDING}


@dataclass(frozen=True)
class AssembledPart:
    """One part of the new model: where it came from, its parameters, the number type it is stored in."""

    name: str
    source: str
    parameters: int
    dtype: str


@dataclass(frozen=True)
class Assembled:
    """What was made. new_tokens: tokens that the language model did not have, with their ids."""

    folder: Path
    config: InternVLConfig
    parts: tuple[AssembledPart, ...]
    new_tokens: Mapping[str, int]


def assemble(
    *,
    vision: Path,
    language: Path,
    out: Path,
    template: str,
    projector: Path | None = None,
    image_size: int = 448,
    max_tiles: int = 12,
    select_layer: int | None = None,
    pixel_shuffle: Literal["v1", "v2"] | None = None,
    seed: int = 0,
    dtype: torch.dtype | None = None,
    max_shard_bytes: int = DEFAULT_SHARD_BYTES,
    progress: Progress | None = None,
) -> Assembled:
    """Write a chat checkpoint in the original layout from a vision encoder and a language model.

    vision: an InternViT folder, or a chat checkpoint of either layout. language: a Qwen2, Qwen3, InternLM2, Llama or Phi-3 folder,
    or a chat checkpoint. projector: a chat checkpoint or a safetensors file whose widths fit; None draws one from `seed`.
    image_size: side of a tile in px; a position table of another size is stretched to it. max_tiles: of a picture, beside its
    thumbnail; 1 turns tiling off, as in V1-2. select_layer, pixel_shuffle: None takes those that the encoder's and the projector's
    checkpoints were trained with, or the last layer and v2. dtype: None keeps the type each part is stored in.

    Memory peaks at one large tensor; `out` appears when it is whole. Raises ConfigError for parts that don't fit, CheckpointError
    for damaged ones, TokenizerError where the tokenizer has no token that ends a turn of the template.
    """
    parts = _Parts(open_vision(vision), open_language(language), None if projector is None else open_projector(projector))
    vocabulary = _vocabulary(language, template)
    stored = parts.config(template, image_size=image_size, max_tiles=max_tiles, select_layer=select_layer, pixel_shuffle=pixel_shuffle)
    config = _grown(stored, parts, vocabulary)
    sources = parts.sources(stored, config, vocabulary, seed=seed)
    specs = _specs(config, sources, dtype)
    with whole_folder(out) as folder:
        _write_json(folder, config, vocabulary, sources[LANGUAGE].dtype(_EMBEDDING) if dtype is None else dtype)
        write_shards(folder, _tensors(config, sources, specs, progress), specs, max_shard_bytes=max_shard_bytes)
    return Assembled(out, config, parts.describe(config, sources, seed=seed, dtype=dtype), dict(vocabulary.new))


@dataclass(frozen=True)
class _Parts:
    """The three parts, opened; no weight is read."""

    vision: VisionSource
    language: LanguageSource
    projector: ProjectorSource | None

    def config(
        self,
        template: str,
        *,
        image_size: int,
        max_tiles: int,
        select_layer: int | None,
        pixel_shuffle: Literal["v1", "v2"] | None,
    ) -> InternVLConfig:
        """The model of the parts as they are stored. A projector trained with one pixel shuffle reads noise under the other."""
        trained = None if self.projector is None else self.projector.pixel_shuffle
        if pixel_shuffle is not None and trained not in (None, pixel_shuffle):
            raise ConfigError(f"the projector was trained with pixel shuffle {trained}, not {pixel_shuffle}; leave pixel_shuffle out")
        return InternVLConfig(
            vision=self.vision.config,
            language=self.language.config,
            template=template,
            image_size=image_size,
            select_layer=self.vision.select_layer if select_layer is None else select_layer,
            pixel_shuffle=pixel_shuffle or trained or "v2",
            dynamic_tiles=max_tiles > 1,
            use_thumbnail=max_tiles > 1,
            max_tiles=max_tiles,
        )

    def sources(self, stored: InternVLConfig, config: InternVLConfig, vocabulary: Vocabulary, *, seed: int) -> dict[str, PartSource]:
        """Each part's tensors, names and shapes checked. ConfigError when the projector's widths don't fit."""
        language = self.language.part(stored, vocabulary)
        projector: PartSource
        if self.projector is None:
            projector = RandomProjector(config, seed=seed, dtype=language.dtype(_EMBEDDING))
        else:
            projector = self.projector.part(config)
        return {VISION: self.vision.part(stored, image_size=config.image_size), PROJECTOR: projector, LANGUAGE: language}

    def describe(
        self, config: InternVLConfig, sources: Mapping[str, PartSource], *, seed: int, dtype: torch.dtype | None
    ) -> tuple[AssembledPart, ...]:
        """A line for each part."""
        drawn = f"random, seed {seed}" if self.projector is None else str(self.projector.path)
        origins = {VISION: str(self.vision.folder), PROJECTOR: drawn, LANGUAGE: str(self.language.folder)}
        counts = vars(count_parameters(meta_model(config)))
        kinds = {part: dtype or sources[part].dtype(name) for part, name in _TYPICAL.items()}
        return tuple(AssembledPart(part, origins[part], counts[part], DTYPE_NAMES[kinds[part]]) for part in origins)


def _vocabulary(folder: Path, template: str) -> Vocabulary:
    """The tokenizer with the family's tokens; it must know the token that ends a turn."""
    vocabulary, stop = grow_vocabulary(folder), template_named(template).stop
    if not vocabulary.tokenizer.has(stop):
        raise TokenizerError(
            f"{folder}: the tokenizer has no token {stop!r}, which ends an answer in the template {template!r}; "
            "choose the template that the language model was tuned with"
        )
    return vocabulary


def _grown(stored: InternVLConfig, parts: _Parts, vocabulary: Vocabulary) -> InternVLConfig:
    vision = replace(stored.vision, image_size=stored.image_size)
    return replace(stored, vision=vision, language=parts.language.grown_config(vocabulary))


def _specs(config: InternVLConfig, sources: Mapping[str, PartSource], dtype: torch.dtype | None) -> dict[str, TensorSpec]:
    """Every tensor of the new checkpoint, in the order of writing."""
    shapes = {ours: tuple(p.shape) for ours, p in meta_model(config).named_parameters()}
    specs = {}
    for entry in keymap(config, "original"):
        kind = dtype or _source(sources, entry).dtype(entry.ours)
        for name, shape in zip(entry.stored, entry.stored_shapes(shapes[entry.ours]), strict=True):
            specs[name] = TensorSpec(shape, kind)
    return specs


def _tensors(
    config: InternVLConfig, sources: Mapping[str, PartSource], specs: Mapping[str, TensorSpec], progress: Progress | None
) -> Iterator[tuple[str, Tensor]]:
    entries = keymap(config, "original")
    for done, entry in enumerate(entries, start=1):
        tensors = _source(sources, entry).tensors(entry)
        while tensors:
            name = entry.stored[-len(tensors)]
            yield name, tensors.pop(0).to(specs[name].dtype)
        if progress is not None:
            progress(done, len(entries))


def _source(sources: Mapping[str, PartSource], entry: Entry) -> PartSource:
    return sources[entry.ours.partition(".")[0]]


def _write_json(folder: Path, config: InternVLConfig, vocabulary: Vocabulary, dtype: torch.dtype) -> None:
    """config.json and the tokenizer's files."""
    tokenizer = vocabulary.write(folder)
    ends = {"bos_token_id": tokenizer.bos_id, "eos_token_id": tokenizer.eos_id, "pad_token_id": tokenizer.pad_id}
    ids = {name: id for name, id in ends.items() if id is not None}
    values = config_values(config, layout="original", dtype=dtype, placeholder_id=-1, token_ids=ids)
    write_text(folder / "config.json", json_text(values))
