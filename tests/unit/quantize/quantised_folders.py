"""Tiny checkpoints of every family, quantised, and what is asked of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.convert import original_values
from internvl.checkpoint.load import load_model, load_weights
from internvl.checkpoint.quantised import save_quantised
from internvl.models.build import build_model
from internvl.models.config import InternVLConfig, LanguageConfig, VisionConfig
from internvl.models.internvl import InternVL
from internvl.quantize.plan import PRESETS, QuantPlan

FIXTURES = Path(__file__).parents[2] / "parity" / "fixtures"
KINDS = ("internvl2-qwen2", "internvl2-internlm2", "internvl2-phi3", "internvl2-llama3", "v1-1-llama2")
QWEN2 = FIXTURES / KINDS[0]
WEIGHTS = "model.safetensors"
PLACEHOLDER = 3


def quantised(folder: Path, target: Path, *, plan: QuantPlan | None = None, name: str = "int8") -> InternVL:
    """The model of a plain folder, quantised while it is loaded, and written to `target`."""
    checkpoint = Checkpoint(folder)
    model = load_weights(checkpoint, plan=plan or PRESETS[name])
    save_quantised(model, target, name=name, plain=original_values(checkpoint), dtype=checkpoint.dtype)
    for path in folder.iterdir():
        if path.suffix in (".json", ".model", ".txt") and path.name not in ("config.json", "golden.json"):
            shutil.copyfile(path, target / path.name)
    return model


def logits(model: InternVL, *, seed: int = 0, words: int = 12) -> Tensor:
    """Of one tile and some words, [L, vocabulary]."""
    generator = torch.Generator().manual_seed(seed)
    config = model.config
    pixels = torch.randn(1, 3, config.image_size, config.image_size, generator=generator)
    ids = torch.randint(4, config.language.vocab_size, (1, words), generator=generator)
    slots = torch.full((1, config.tokens_per_tile), PLACEHOLDER)
    with torch.inference_mode():
        visual = model.encode_tiles(pixels)
        return model(torch.cat([ids[:, :4], slots, ids[:, 4:]], dim=1), visual, placeholder_id=PLACEHOLDER)[0].float()


def tiny_model(*, tied: bool = False, width: int = 64, seed: int = 0) -> InternVL:
    """A random model whose layers differ enough from noise that rounding has something to lose."""
    vision = VisionConfig(
        hidden_size=width, intermediate_size=2 * width, num_layers=2, num_heads=2, image_size=56, norm="layer_norm", qk_norm=False
    )
    language = LanguageConfig(
        family="qwen2",
        vocab_size=200,
        hidden_size=width,
        intermediate_size=3 * width,
        num_layers=2,
        num_heads=2,
        num_kv_heads=1,
        head_dim=width // 2,
        max_positions=512,
        qkv_bias=True,
        tie_embeddings=tied,
    )
    config = InternVLConfig(vision=vision, language=language, template="Hermes-2", image_size=56)
    return build_model(config, seed=seed, init_std=0.1).eval().requires_grad_(False)


def spoiled(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> Path:
    """A quantised folder whose tensors were changed in place."""
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, folder / WEIGHTS, metadata={"format": "pt"})
    return folder


def reloaded(folder: Path) -> InternVL:
    """What is in a folder."""
    return load_model(folder)


def everywhere(plan: QuantPlan, kind: str) -> QuantPlan:
    """A plan with one kind for all layers of the language model and of the encoder."""
    return replace(plan, vision_encoder=kind, projector=kind, language_model=kind)
