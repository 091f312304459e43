"""Sizes of InternVL-C and InternViT, read from the shapes of their pickled tensors.

    blocks.0.mlp.fc1.weight [12800,3200], transformer.layers.31..., text_projection [4096,768] -> VisionConfig, DualConfig

Heads leave no trace in a shape: they are 128 wide, and pools have 16, as released.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from torch import Tensor

from internvl.errors import CheckpointError
from internvl.models.config import LanguageConfig, VisionConfig
from internvl.models.contrastive.config import DualConfig

Tensors: TypeAlias = Mapping[str, Tensor]
HEAD_WIDTH, POOL_HEADS, POSITIONS = 128, 16, 2048
FIRST_BLOCK, FIRST_LAYER = "blocks.0.norm1.weight", "layers.0.self_attn.q_proj.weight"


def dual_config(source: Path, tensors: Tensors) -> DualConfig:
    """Of an InternVL-C: both towers and the pool."""
    words = prefix(source, tensors, FIRST_LAYER)
    vocabulary, width = _shape(source, tensors, f"{words}embed_tokens.weight")
    mlp, _ = _shape(source, tensors, f"{words}layers.0.mlp.gate_proj.weight")
    keys, _ = _shape(source, tensors, f"{words}layers.0.self_attn.k_proj.weight")
    language = LanguageConfig(
        family="llama", vocab_size=vocabulary, hidden_size=width, intermediate_size=mlp, head_dim=HEAD_WIDTH,
        num_layers=_count(tensors, f"{words}layers."), num_heads=width // HEAD_WIDTH, num_kv_heads=keys // HEAD_WIDTH,
        max_positions=POSITIONS, tie_embeddings=True,
    )  # fmt: skip
    vision = vision_config(source, tensors, prefix(source, tensors, FIRST_BLOCK))
    return DualConfig(
        vision=vision,
        language=language,
        embed_dim=_shape(source, tensors, "text_projection")[1],
        pool_heads=POOL_HEADS,
        queries=0,
    )


def vision_config(source: Path, tensors: Tensors, eyes: str) -> VisionConfig:
    """Of an InternViT whose names begin with `eyes`."""
    width, channels, patch, _ = _shape(source, tensors, f"{eyes}patch_embed.proj.weight")
    places = _shape(source, tensors, f"{eyes}pos_embed")[1] - 1
    grid = round(places**0.5)
    if grid**2 != places:
        raise CheckpointError(f"{source}: {places} positions make no square of patches")
    return VisionConfig(
        hidden_size=width, intermediate_size=_shape(source, tensors, f"{eyes}blocks.0.mlp.fc1.weight")[0],
        num_layers=_count(tensors, f"{eyes}blocks."), num_heads=width // HEAD_WIDTH, patch_size=patch, image_size=grid * patch,
        num_channels=channels, norm="layer_norm" if f"{eyes}blocks.0.norm1.bias" in tensors else "rms_norm",
        qkv_bias=f"{eyes}blocks.0.attn.qkv.bias" in tensors, qk_norm=f"{eyes}blocks.0.attn.q_norm.weight" in tensors,
    )  # fmt: skip


def prefix(source: Path, tensors: Tensors, ending: str) -> str:
    """What stands before the names of a tower: `transformer.`, or `transformer.model.`."""
    found = next((name for name in tensors if name.endswith(ending)), None)
    if found is None:
        raise CheckpointError(f"{source}: no tensor ends in {ending!r}, so a tower is missing")
    return found.removesuffix(ending)


def _shape(source: Path, tensors: Tensors, name: str) -> tuple[int, ...]:
    axes = 4 if name.endswith("patch_embed.proj.weight") else 3 if name.endswith("pos_embed") else 2
    if name not in tensors or tensors[name].ndim != axes:
        raise CheckpointError(f"{source}: {name} of {axes} axes is expected")
    return tuple(tensors[name].shape)


def _count(tensors: Tensors, before: str) -> int:
    return len({name.removeprefix(before).partition(".")[0] for name in tensors if name.startswith(before)})
