"""Names: ours <-> the original layout <-> the transformers-native layout, tensor by tensor.

    ours                                          original                                   native
    vision_encoder.layers.0.attention.qkv.weight  vision_model.encoder.layers.0.attn.qkv.*   model.vision_tower...q_proj, k_proj, v_proj
    projector.up.weight                           mlp1.1.weight                              model.multi_modal_projector.linear_1.weight
    language_model.layers.0.attention.qkv.weight  q,k,v apart, fused, or packed (wqkv)       q,k,v apart, or fused (Phi-3)

An `Entry` says which stored tensors make one of ours and how; it works both ways, so reading and writing can't drift apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from internvl.models.config import InternVLConfig, LanguageConfig, VisionConfig
from internvl.models.language.families import Storage, family_named

Layout: TypeAlias = Literal["original", "native"]


@dataclass(frozen=True)
class Entry:
    """One of our parameters and the stored tensors it is made of.

    rows: rows of each stored tensor when several are stacked. packed: for `wqkv`, (key heads, queries per key head, head_dim).
    scalar: stored without an axis; ours has one entry, because FSDP2 can't shard a number.
    """

    ours: str
    stored: tuple[str, ...]
    rows: tuple[int, ...] = ()
    packed: tuple[int, int, int] | None = field(default=None)
    scalar: bool = False

    @property
    def is_copy(self) -> bool:
        """Whether ours is the stored tensor as it is."""
        return self.packed is None and len(self.stored) == 1 and not self.scalar

    def same_storage(self, other: Entry) -> bool:
        """Whether two layouts store the parameter alike but for the names."""
        return self.packed == other.packed and self.rows == other.rows and len(self.stored) == len(other.stored)

    def join(self, tensors: Sequence[Tensor], *, dtype: torch.dtype | None = None, device: torch.device | None = None) -> Tensor:
        """Stored tensors -> ours, of another type or on another device if asked. Nothing is built on the way but the result."""
        first = tensors[0]
        dtype, device = dtype or first.dtype, device or first.device
        if self.is_copy:
            return first.to(device=device, dtype=dtype)
        if self.scalar:
            return first.to(device=device, dtype=dtype).reshape(1)
        ours = torch.empty((sum(t.shape[0] for t in tensors), *first.shape[1:]), dtype=dtype, device=device)
        parts, sources = ours.split([t.shape[0] for t in tensors]), tensors
        if self.packed is not None:
            parts, sources = _in_groups(ours, *self.packed), _groups(first, *self.packed)
        for part, source in zip(parts, sources, strict=True):
            part.copy_(source)
        return ours

    def split(self, tensor: Tensor) -> list[Tensor]:
        """Ours -> stored tensors."""
        if self.scalar:
            return [tensor.reshape(())]
        if self.packed is not None:
            return [pack_wqkv(tensor, *self.packed)]
        return [tensor] if len(self.stored) == 1 else list(tensor.split(list(self.rows)))

    def stored_shapes(self, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Shapes of the stored tensors, given ours."""
        if self.scalar:
            return [()]
        return [shape] if len(self.stored) == 1 else [(rows, *shape[1:]) for rows in self.rows]


def pack_wqkv(joined: Tensor, kv_heads: int, per_group: int, head_dim: int) -> Tensor:
    """All q, all k, all v -> InternLM2's rows (q...q k v) per key head. For weights [rows, D] and biases [rows]."""
    return torch.cat(_in_groups(joined, kv_heads, per_group, head_dim), dim=1).flatten(0, 2)


def _groups(packed: Tensor, kv_heads: int, per_group: int, head_dim: int) -> tuple[Tensor, ...]:
    """Views of packed rows as q, k, v, each [key heads, heads of the group, head_dim, ...]."""
    groups: Tensor = packed.unflatten(0, (kv_heads, per_group + 2, head_dim))
    return tuple(groups.split([per_group, 1, 1], dim=1))


def _in_groups(joined: Tensor, kv_heads: int, per_group: int, head_dim: int) -> tuple[Tensor, ...]:
    """Views of joined rows as q, k, v in the same form."""
    heads = (per_group, 1, 1)
    parts = joined.split([kv_heads * count * head_dim for count in heads])
    return tuple(part.unflatten(0, (kv_heads, count, head_dim)) for part, count in zip(parts, heads, strict=True))


def keymap(config: InternVLConfig, layout: Layout, *, prefix: str = "model.") -> list[Entry]:
    """Every parameter of the model in a layout. `prefix` is the native layout's: empty in files of early transformers ports."""
    if layout == "original":
        family = family_named(config.language.family)
        return [
            *vision_entries(config.vision),
            *_projector(("mlp1.0", "mlp1.1", "mlp1.3")),
            *language_entries(config.language, family.storage, "language_model.model", _original_head(family.storage)),
        ]
    tower = f"{prefix}vision_tower"
    projector = f"{prefix}multi_modal_projector"
    language, head = ("model.language_model", "lm_head") if prefix else ("language_model.model", "language_model.lm_head")
    storage: Storage = "phi3" if config.language.family == "phi3" else "llama"
    return [
        *_native_vision(config.vision, tower),
        *_projector(tuple(f"{projector}.{name}" for name in ("layer_norm", "linear_1", "linear_2"))),
        *language_entries(config.language, storage, language, head),
    ]


def _original_head(storage: Storage) -> str:
    return "language_model.output" if storage == "internlm2" else "language_model.lm_head"


def vision_entries(config: VisionConfig) -> Iterator[Entry]:
    """InternViT as the original layout stores it."""
    theirs, ours = "vision_model.embeddings", "vision_encoder.embeddings"
    yield Entry(f"{ours}.class_token", (f"{theirs}.class_embedding",))
    yield Entry(f"{ours}.positions", (f"{theirs}.position_embedding",))
    yield from linear_entries(f"{ours}.patch", f"{theirs}.patch_embedding", bias=True)
    for i in range(config.num_layers):
        theirs, ours = f"vision_model.encoder.layers.{i}", f"vision_encoder.layers.{i}"
        yield from linear_entries(f"{ours}.attention.qkv", f"{theirs}.attn.qkv", bias=config.qkv_bias)
        names = ("attn.q_norm", "attn.k_norm", "attn.proj", "norm1", "norm2", "ls1", "ls2")
        yield from _vision_rest(config, ours, theirs, names)


def _native_vision(config: VisionConfig, tower: str) -> Iterator[Entry]:
    ours, width = "vision_encoder.embeddings", config.hidden_size
    yield Entry(f"{ours}.class_token", (f"{tower}.embeddings.cls_token",))
    yield Entry(f"{ours}.positions", (f"{tower}.embeddings.position_embeddings",))
    yield from linear_entries(f"{ours}.patch", f"{tower}.embeddings.patch_embeddings.projection", bias=True)
    for i in range(config.num_layers):
        theirs, ours = f"{tower}.encoder.layer.{i}", f"vision_encoder.layers.{i}"
        for kind in ("weight", "bias") if config.qkv_bias else ("weight",):
            stored = tuple(f"{theirs}.attention.{part}_proj.{kind}" for part in "qkv")
            yield Entry(f"{ours}.attention.qkv.{kind}", stored, (width, width, width))
        names = ("attention.q_norm", "attention.k_norm", "attention.projection_layer")
        yield from _vision_rest(config, ours, theirs, (*names, "layernorm_before", "layernorm_after", "lambda_1", "lambda_2"))


def _vision_rest(config: VisionConfig, ours: str, theirs: str, names: Sequence[str]) -> Iterator[Entry]:
    """What both layouts store alike but for names: q norm, k norm, out, norm1, norm2, scale1, scale2; then the MLP."""
    q_norm, k_norm, out, norm1, norm2, scale1, scale2 = names
    if config.qk_norm:
        yield Entry(f"{ours}.attention.q_norm.weight", (f"{theirs}.{q_norm}.weight",))
        yield Entry(f"{ours}.attention.k_norm.weight", (f"{theirs}.{k_norm}.weight",))
    yield from linear_entries(f"{ours}.attention.out", f"{theirs}.{out}", bias=True)
    yield from linear_entries(f"{ours}.norm1", f"{theirs}.{norm1}", bias=config.norm == "layer_norm")
    yield from linear_entries(f"{ours}.norm2", f"{theirs}.{norm2}", bias=config.norm == "layer_norm")
    yield Entry(f"{ours}.scale1", (f"{theirs}.{scale1}",))
    yield Entry(f"{ours}.scale2", (f"{theirs}.{scale2}",))
    yield from linear_entries(f"{ours}.mlp.up", f"{theirs}.mlp.fc1", bias=True)
    yield from linear_entries(f"{ours}.mlp.down", f"{theirs}.mlp.fc2", bias=True)


def _projector(stored: Sequence[str]) -> Iterator[Entry]:
    for ours, theirs in zip(("norm", "up", "out"), stored, strict=True):
        yield from linear_entries(f"projector.{ours}", theirs, bias=True)


def language_entries(config: LanguageConfig, storage: Storage, body: str, head: str) -> Iterator[Entry]:
    """A decoder as `storage` does it, under the names `body` and `head`."""
    embedding = "tok_embeddings" if storage == "internlm2" else "embed_tokens"
    yield Entry("language_model.embedding.weight", (f"{body}.{embedding}.weight",))
    layer = _LAYERS[storage]
    for i in range(config.num_layers):
        yield from layer(config, f"language_model.layers.{i}", f"{body}.layers.{i}")
    yield Entry("language_model.norm.weight", (f"{body}.norm.weight",))
    if not config.tie_embeddings:
        yield Entry("language_model.head.weight", (f"{head}.weight",))


def _llama_layer(config: LanguageConfig, ours: str, theirs: str) -> Iterator[Entry]:
    q_and_kv = (config.attention_width, config.kv_width, config.kv_width)
    for kind in ("weight", "bias") if config.qkv_bias else ("weight",):
        yield Entry(f"{ours}.attention.qkv.{kind}", tuple(f"{theirs}.self_attn.{p}_proj.{kind}" for p in "qkv"), q_and_kv)
    if config.qk_norm:
        yield Entry(f"{ours}.attention.q_norm.weight", (f"{theirs}.self_attn.q_norm.weight",))
        yield Entry(f"{ours}.attention.k_norm.weight", (f"{theirs}.self_attn.k_norm.weight",))
    yield from linear_entries(f"{ours}.attention.out", f"{theirs}.self_attn.o_proj", bias=config.out_bias)
    halves = (config.intermediate_size, config.intermediate_size)
    for kind in ("weight", "bias") if config.mlp_bias else ("weight",):
        yield Entry(f"{ours}.mlp.gate_up.{kind}", tuple(f"{theirs}.mlp.{p}_proj.{kind}" for p in ("gate", "up")), halves)
    yield from linear_entries(f"{ours}.mlp.down", f"{theirs}.mlp.down_proj", bias=config.mlp_bias)
    yield from _llama_norms(ours, theirs)


def _phi3_layer(config: LanguageConfig, ours: str, theirs: str) -> Iterator[Entry]:
    yield from linear_entries(f"{ours}.attention.qkv", f"{theirs}.self_attn.qkv_proj", bias=config.qkv_bias)
    yield from linear_entries(f"{ours}.attention.out", f"{theirs}.self_attn.o_proj", bias=config.out_bias)
    yield from linear_entries(f"{ours}.mlp.gate_up", f"{theirs}.mlp.gate_up_proj", bias=config.mlp_bias)
    yield from linear_entries(f"{ours}.mlp.down", f"{theirs}.mlp.down_proj", bias=config.mlp_bias)
    yield from _llama_norms(ours, theirs)


def _internlm2_layer(config: LanguageConfig, ours: str, theirs: str) -> Iterator[Entry]:
    packed = (config.num_kv_heads, config.num_heads // config.num_kv_heads, config.head_dim)
    for kind in ("weight", "bias") if config.qkv_bias else ("weight",):
        yield Entry(f"{ours}.attention.qkv.{kind}", (f"{theirs}.attention.wqkv.{kind}",), packed=packed)
    yield from linear_entries(f"{ours}.attention.out", f"{theirs}.attention.wo", bias=config.out_bias)
    halves = (config.intermediate_size, config.intermediate_size)
    yield Entry(f"{ours}.mlp.gate_up.weight", tuple(f"{theirs}.feed_forward.{p}.weight" for p in ("w1", "w3")), halves)
    yield from linear_entries(f"{ours}.mlp.down", f"{theirs}.feed_forward.w2", bias=False)
    yield Entry(f"{ours}.norm1.weight", (f"{theirs}.attention_norm.weight",))
    yield Entry(f"{ours}.norm2.weight", (f"{theirs}.ffn_norm.weight",))


def _llama_norms(ours: str, theirs: str) -> Iterator[Entry]:
    yield Entry(f"{ours}.norm1.weight", (f"{theirs}.input_layernorm.weight",))
    yield Entry(f"{ours}.norm2.weight", (f"{theirs}.post_attention_layernorm.weight",))


def linear_entries(ours: str, theirs: str, *, bias: bool) -> Iterator[Entry]:
    """A weight and perhaps a bias, stored as they are."""
    for kind in ("weight", "bias") if bias else ("weight",):
        yield Entry(f"{ours}.{kind}", (f"{theirs}.{kind}",))


_LAYERS: dict[Storage, Callable[[LanguageConfig, str, str], Iterator[Entry]]] = {
    "llama": _llama_layer,
    "phi3": _phi3_layer,
    "internlm2": _internlm2_layer,
}
