"""How one layer is stored: its kind, the columns that share a scale, and how its inputs are rounded; and the tensors that this makes.

QuantPlan, InternVLConfig -> name of a layer -> LayerFormat -> weight, scales, zeros, bias: shape and type of each
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import torch

from internvl.errors import ConfigError
from internvl.kernels.packed import BLOCK, STEP, padded
from internvl.models.build import meta_model
from internvl.models.config import InternVLConfig
from internvl.models.linear import Linear
from internvl.quantize.plan import EMBEDDING, GROUPS, HEAD, PackedKind, QuantPlan, group_for, part_of

# Inputs of the language model have a few channels far larger than all others, so that one scale a row would leave nothing of the rest.
LANGUAGE_INPUT_GROUP = 128


@dataclass(frozen=True, kw_only=True)
class LayerFormat:
    """kind: int8 or int4. group: columns of the weight that share a scale, 0 for the whole row.

    input_group: columns of the input that share a scale, 0 for the whole row; the weight's own group where it has one.
    """

    kind: PackedKind
    group: int = 0
    input_group: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(PackedKind):
            raise ConfigError(f"a packed layer is int8 or int4, not {self.kind!r:.40}")
        if self.group not in (GROUPS if self.kind == "int4" else (0, *GROUPS)):
            raise ConfigError(f"the group of an {self.kind} layer is a multiple of 32 up to 256, not {self.group!r:.40}")
        if self.input_group not in ((0, *range(16, 257, 16)) if self.group == 0 else (0, self.group)):
            raise ConfigError(f"inputs of a layer in groups of {self.group} can't be rounded in groups of {self.input_group!r:.40}")


@dataclass(frozen=True)
class LayerShape:
    """A layer of a model: rows out, columns in."""

    rows: int
    columns: int
    bias: bool


@dataclass(frozen=True)
class StoredAs:
    """Shape and type of a stored tensor."""

    shape: tuple[int, ...]
    dtype: torch.dtype


def layer_shapes(config: InternVLConfig) -> dict[str, LayerShape]:
    """All layers of a model that can be quantised, by name. A tied head has a name too."""
    model = meta_model(config)
    shapes = {
        name: LayerShape(module.out_features, module.in_features, module.bias is not None)
        for name, module in model.named_modules()
        if isinstance(module, Linear)
    }
    table = LayerShape(config.language.vocab_size, config.language.hidden_size, False)
    return shapes | {EMBEDDING: table, HEAD: table}


def layer_names(config: InternVLConfig) -> list[str]:
    """Names of the layers that a plan decides about: a tied head is the embedding, and not counted."""
    tied = config.language.tie_embeddings
    return [name for name in layer_shapes(config) if not (tied and name == HEAD)]


def formats_of(plan: QuantPlan, config: InternVLConfig) -> dict[str, LayerFormat]:
    """The format of every layer that a plan quantises, by name.

    A tied head that stays float keeps its table float: they are the same numbers.
    """
    shapes = layer_shapes(config)
    plan.check_names(list(shapes))
    kinds = {name: plan.kind_of(name) for name in shapes}
    if config.language.tie_embeddings and kinds[HEAD] == "float":
        kinds[EMBEDDING] = "float"
    return {name: format_for(name, kind, shapes[name].columns, plan.group) for name, kind in kinds.items() if kind != "float"}


def format_for(name: str, kind: PackedKind, columns: int, group: int) -> LayerFormat:
    """The format of a layer of a kind."""
    if kind == "int4":
        own = group_for(columns, group)
        return LayerFormat(kind=kind, group=own, input_group=own)
    rows_alike = part_of(name) in ("vision_encoder", "projector", "embedding")
    return LayerFormat(kind=kind, input_group=0 if rows_alike else LANGUAGE_INPUT_GROUP)


def shares_table(formats: Mapping[str, LayerFormat], config: InternVLConfig) -> bool:
    """Whether head and embedding are one packed table: tied, and both int8."""
    head, table = formats.get(HEAD), formats.get(EMBEDDING)
    return (
        config.language.tie_embeddings
        and head is not None
        and table is not None
        and head.kind == table.kind == "int8"
        and head.group == table.group
    )


def stored_tensors(layer: LayerFormat, shape: LayerShape) -> dict[str, StoredAs]:
    """The tensors of a packed layer by the names of its buffers (the layout of `kernels.packed`)."""
    blocks = padded(shape.rows, BLOCK) // BLOCK
    step = STEP[layer.kind]
    columns = padded(shape.columns, layer.group or 4 * step)
    groups = columns // layer.group if layer.group else 1
    steps = columns // step // (2 if layer.kind == "int4" else 1)
    tensors = {
        "weight": StoredAs((blocks, steps, BLOCK, step), torch.uint8),
        "scales": StoredAs((blocks, groups, BLOCK), torch.bfloat16 if layer.group else torch.float32),
        "zeros": StoredAs((blocks, groups, BLOCK), torch.uint8),
    }
    return tensors | ({"bias": StoredAs((blocks * BLOCK,), torch.float32)} if shape.bias else {})
