"""The pickles of InternVL 1.0, `internvl_c_13b_224px.pth` and `intern_vit_6b_224px.pth`, into folders of the released layout.

    cls_token, pos_embed, patch_embed.*, blocks.N.*    InternViT          vision_model.embeddings.*, vision_model.encoder.layers.N.*
    transformer.*                                      LLaMA          ->  qllama.model.*
    text_projection, logit_scale, clip_projector.*                        the same

Sizes are read from the shapes (`pickled_sizes`) or from a config.json.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from internvl.checkpoint.convert import CARRIED
from internvl.checkpoint.dual import EMBEDDING, HEAD, dual_keymap, read_dual_config, write_dual_config
from internvl.checkpoint.fields import Fields, read_json
from internvl.checkpoint.keymap import Entry, vision_entries
from internvl.checkpoint.load import DEFAULT_SHARD_BYTES, DTYPE_NAMES
from internvl.checkpoint.original import read_vision, write_vision
from internvl.checkpoint.pickled_sizes import FIRST_BLOCK, FIRST_LAYER, Tensors, dual_config, prefix, vision_config
from internvl.checkpoint.shard_writer import TensorSpec, json_text, write_shards, write_text
from internvl.checkpoint.unpickle import read_pickled_tensors
from internvl.checkpoint.whole_folder import whole_folder
from internvl.errors import CheckpointError, ConfigError
from internvl.models.contrastive.dual import DualModel
from internvl.models.vision.encoder import VisionEncoder

_STEM = {
    "vision_model.embeddings.class_embedding": "cls_token",
    "vision_model.embeddings.position_embedding": "pos_embed",
    "vision_model.embeddings.patch_embedding": "patch_embed.proj",
}
# Known, and of no use: rotary tables are computed, InternVL-C writes no captions, an InternViT alone is not compared with texts.
_UNREAD = ("rotary_emb.inv_freq", "lm_head.weight", "position_ids")
_UNREAD_BY_VISION = ("clip_projector.", "head.", "fc_norm.", "logit_scale")


@dataclass(frozen=True)
class Converted:
    """What was made: "InternVL-C" or "InternViT", and the names of tensors in the file that it has no use for."""

    kind: str
    left_out: tuple[str, ...]


def convert_pickle(
    source: Path,
    target: Path,
    *,
    tokenizer: Path | None = None,
    config: Path | None = None,
    max_shard_bytes: int = DEFAULT_SHARD_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> Converted:
    """Write the model of a pickle to a new folder, bit for bit. It is opened without running anything of it.

    tokenizer: a folder with the text tower's tokenizer, which the pickle lacks; InternVL-C needs one. config: a config.json of the
    released layout, for heads of another width. Raises CheckpointError for a damaged file, another layout, or a tensor that is
    missing, unknown or of a wrong shape; ConfigError without a tokenizer.
    """
    tensors = read_pickled_tensors(source)
    is_dual = any(name.startswith("transformer.") for name in tensors)
    if not is_dual and not any(name.endswith(FIRST_BLOCK) for name in tensors):
        raise CheckpointError(
            f"{source}: neither InternVL-C (transformer.*, blocks.*) nor InternViT (blocks.*) as they were pickled; "
            f"its first tensor is {next(iter(tensors))!r:.80}"
        )
    if is_dual and tokenizer is None:
        raise ConfigError(f"{source} has a text tower but no tokenizer: give the folder of one, such as that of InternVL-14B-224px")
    plan = _dual_plan(source, tensors, config) if is_dual else _vision_plan(source, tensors, config)
    left_out = _left_out(source, tensors, plan)
    with whole_folder(target) as partial:
        write_text(partial / "config.json", json_text(plan.values))
        if is_dual and tokenizer is not None:
            _copy_tokenizer(tokenizer, partial)
        specs = {new: TensorSpec(plan.shapes[new], tensors[old].dtype) for new, old in plan.names.items()}
        write_shards(partial, _written(tensors, plan, progress), specs, max_shard_bytes=max_shard_bytes)
    return Converted("InternVL-C" if is_dual else "InternViT", left_out)


@dataclass(frozen=True)
class _Plan:
    """values: config.json. names: stored name -> name in the pickle. shapes: of the stored tensors."""

    values: dict[str, Any]
    names: dict[str, str]
    shapes: dict[str, tuple[int, ...]]
    unread: tuple[str, ...]


def _dual_plan(source: Path, tensors: Tensors, given: Path | None) -> _Plan:
    sizes = dual_config(source, tensors) if given is None else replace(read_dual_config(read_json(given), str(given)), queries=0)
    sizes = replace(sizes, language=replace(sizes.language, tie_embeddings=True))  # it has no head, so the embedding stands for both
    eyes, words = prefix(source, tensors, FIRST_BLOCK), prefix(source, tensors, FIRST_LAYER)
    entries = dual_keymap(sizes)
    stored = [name for entry in entries for name in entry.stored] + [EMBEDDING]
    names = {name: _pickled(name, eyes, words) for name in stored}
    with torch.device("meta"):
        shapes = _shapes(entries, DualModel(sizes))
    shapes[EMBEDDING] = shapes[HEAD]
    dtype = _dtype_name(source, tensors, names)
    return _Plan(write_dual_config(sizes, dtype=dtype), names, _fitting(source, tensors, names, shapes), _UNREAD)


def _vision_plan(source: Path, tensors: Tensors, given: Path | None) -> _Plan:
    eyes = prefix(source, tensors, FIRST_BLOCK)
    sizes = vision_config(source, tensors, eyes) if given is None else read_vision(Fields(read_json(given), str(given)))
    entries = list(vision_entries(sizes))
    with torch.device("meta"):
        shapes = {name.removeprefix("vision_model."): shape for name, shape in _shapes(entries, VisionEncoder(sizes)).items()}
    names = {name.removeprefix("vision_model."): _pickled(name, eyes, "") for entry in entries for name in entry.stored}
    values = write_vision(sizes) | {"torch_dtype": _dtype_name(source, tensors, names)}
    return _Plan(values, names, _fitting(source, tensors, names, shapes), (*_UNREAD, *_UNREAD_BY_VISION))


def _pickled(name: str, eyes: str, words: str) -> str:
    """The released name of a tensor -> its name in the pickle. eyes, words: what stands before `blocks` and `layers` there."""
    for released, pickled in _STEM.items():
        if name.startswith(released):
            return eyes + pickled + name.removeprefix(released)
    if name.startswith("vision_model.encoder.layers."):
        inside = name.removeprefix("vision_model.encoder.layers.")
        return f"{eyes}blocks.{inside}" + (".gamma" if inside.endswith((".ls1", ".ls2")) else "")
    if name == HEAD:
        return f"{words}embed_tokens.weight"
    return words + name.removeprefix("qllama.model.") if name.startswith("qllama.model.") else name


def _shapes(entries: list[Entry], model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Of the stored tensors, by their released names; a model that is a vision encoder alone has no prefix in its own names."""
    own = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    return {
        name: shape
        for entry in entries
        for name, shape in zip(
            entry.stored, entry.stored_shapes(own.get(entry.ours, own.get(entry.ours.partition(".")[2], ()))), strict=True
        )
    }


def _fitting(source: Path, tensors: Tensors, names: dict[str, str], shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The shapes, once every tensor is known to be there and to have its own; a number may be stored with an axis."""
    missing = sorted(old for old in names.values() if old not in tensors)
    if missing:
        raise CheckpointError(f"{source}: {len(missing)} tensors are missing, first {missing[0]!r}")
    for new, old in names.items():
        found = tuple(tensors[old].shape)
        if found != shapes[new] and not (shapes[new] == () and tensors[old].numel() == 1):
            raise CheckpointError(f"{source}: {old} has the shape {list(found)}, but {list(shapes[new])} is expected; see --config")
    return shapes


def _left_out(source: Path, tensors: Tensors, plan: _Plan) -> tuple[str, ...]:
    rest = sorted(tensors.keys() - set(plan.names.values()))
    unknown = [name for name in rest if not name.endswith(plan.unread) and not name.startswith(plan.unread)]
    if unknown:
        raise CheckpointError(f"{source}: {len(unknown)} tensors are not part of the model, first {unknown[0]!r}")
    return tuple(rest)


def _written(tensors: Tensors, plan: _Plan, progress: Callable[[int, int], None] | None) -> Iterator[tuple[str, Tensor]]:
    for done, (new, old) in enumerate(plan.names.items(), start=1):
        yield new, tensors[old].reshape(plan.shapes[new])
        if progress is not None:
            progress(done, len(plan.names))


def _copy_tokenizer(tokenizer: Path, folder: Path) -> None:
    found = [name for name in CARRIED if (tokenizer / name).is_file()]
    if "tokenizer_config.json" not in found:
        raise ConfigError(f"{tokenizer} holds no tokenizer: tokenizer_config.json and its model were expected")
    for name in found:
        shutil.copyfile(tokenizer / name, folder / name)


def _dtype_name(source: Path, tensors: Tensors, names: dict[str, str]) -> str:
    """The number type that most of the weights have."""
    sizes: dict[torch.dtype, int] = {}
    for tensor in (tensors[old] for old in names.values() if old in tensors):
        sizes[tensor.dtype] = sizes.get(tensor.dtype, 0) + tensor.numel()
    most = max(sizes, key=lambda dtype: sizes[dtype])
    if most not in DTYPE_NAMES:
        raise CheckpointError(f"{source}: weights are {most}, but a checkpoint holds {', '.join(DTYPE_NAMES.values())}")
    return DTYPE_NAMES[most]
