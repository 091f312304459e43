"""Models of a few thousand parameters with random weights, of every language family, and a prompt with a picture for them."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from internvl.models.build import build_model
from internvl.models.config import InternVLConfig, LanguageConfig, VisionConfig
from internvl.models.internvl import InternVL
from internvl.models.language.families import FAMILIES

PLACEHOLDER = 5
FAMILY_NAMES = ("qwen2", "qwen3", "llama", "internlm2", "phi3")


def config(family: str = "qwen2", **changes: Any) -> InternVLConfig:
    """3 vision layers of width 16, 2 language layers of width 24. `vision__x` and `language__x` reach into the parts."""
    row = FAMILIES[family]
    vision = VisionConfig(hidden_size=16, intermediate_size=24, num_layers=3, num_heads=2, image_size=56, qkv_bias=True)
    language = LanguageConfig(
        family=family, vocab_size=48, hidden_size=24, intermediate_size=40, num_layers=2, num_heads=4,
        num_kv_heads=4 if family == "phi3" else 2, head_dim=8, max_positions=64, qkv_bias=row.qkv_bias, qk_norm=row.qk_norm,
    )  # fmt: skip
    inner: dict[str, dict[str, Any]] = {"vision": {}, "language": {}}
    for name in [name for name in changes if "__" in name]:
        part, _, field = name.partition("__")
        inner[part][field] = changes.pop(name)
    whole = InternVLConfig(vision=vision, language=language, template="internvl2_5", image_size=56)
    parts = {part: dataclasses.replace(getattr(whole, part), **values) for part, values in inner.items()}
    return dataclasses.replace(whole, **parts, **changes)


def model(family: str = "qwen2", *, seed: int = 0, **changes: Any) -> InternVL:
    """Every weight random, norms and biases too, so that nothing is hidden by a zero or a one."""
    built = build_model(config(family, **changes), seed=seed, init_std=0.2).eval()
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return built


def logits(built: InternVL) -> torch.Tensor:
    """Of a prompt with one tile, with gradient if wanted."""
    generator = torch.Generator().manual_seed(7)
    ids = torch.randint(6, 48, (1, 12), generator=generator)
    ids[0, 3:7] = PLACEHOLDER
    visual = built.encode_tiles(torch.randn(1, 3, 56, 56, generator=generator))
    out: torch.Tensor = built(ids, visual, placeholder_id=PLACEHOLDER)
    return out


def fill_adapters(built: InternVL, *, seed: int = 3) -> None:
    """Adapters as if they had learned something: B random as well."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            if name.endswith(".lora_b"):
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
