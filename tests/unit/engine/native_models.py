"""Tiny random models of every language row, plain and quantised, for the tests of the native runner."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import torch

from internvl.kernels.packed import pack
from internvl.models.build import build_model
from internvl.models.config import InternVLConfig, LanguageConfig, RopeConfig, VisionConfig
from internvl.models.internvl import InternVL
from internvl.models.linear import Linear
from internvl.quantize.layer import QuantLinear
from internvl.quantize.packing import set_module

WORDS = 331  # no multiple of anything
PLAIN = LanguageConfig(
    family="llama", vocab_size=WORDS, hidden_size=96, intermediate_size=160, num_layers=3, num_heads=4, num_kv_heads=2, head_dim=32,
    max_positions=4096, rope=RopeConfig(theta=1e4),
)  # fmt: skip
ROWS = {
    "qwen2": replace(PLAIN, family="qwen2", qkv_bias=True, hidden_size=112, num_heads=7, num_kv_heads=1, head_dim=64),
    "qwen3": replace(PLAIN, family="qwen3", qk_norm=True, head_dim=48, tie_embeddings=True),
    "internlm2": replace(PLAIN, family="internlm2", rope=RopeConfig(theta=1e4, kind="dynamic", factor=2.0), max_positions=60),
    "llama3": replace(
        PLAIN, num_heads=6, head_dim=12, rope=RopeConfig(theta=5e5, kind="llama3", factor=8.0, original_max_positions=64)
    ),
    "phi3": replace(
        PLAIN, family="phi3", num_kv_heads=4, out_bias=True, mlp_bias=True, intermediate_size=152,
        rope=RopeConfig(
            theta=1e4, kind="longrope", original_max_positions=50,
            short_factor=tuple(1 + i / 16 for i in range(16)), long_factor=tuple(2 + i / 8 for i in range(16)),
        ),
    ),
}  # fmt: skip
VISION = VisionConfig(hidden_size=32, intermediate_size=64, num_layers=1, num_heads=2, image_size=56)


@cache
def plain_model(row: str, dtype: torch.dtype = torch.float32) -> InternVL:
    """Random weights, with biases and norms that are random too."""
    model = build_model(InternVLConfig(vision=VISION, language=ROWS[row], template="Hermes-2", image_size=56), init_std=0.08)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
    return model.to(dtype).eval()


@cache
def quantised_model(row: str, kind: str, group: int = 0, x_group: int = 0, dtype: torch.dtype = torch.float32) -> InternVL:
    """The plain model with packed layers in its language model, a head of 8 bits among them."""
    model = build_model(plain_model(row).config).to(dtype).eval()
    model.load_state_dict(plain_model(row).state_dict())
    return quantise(model, kind, group, x_group)


def quantise(model: InternVL, kind: str, group: int = 0, x_group: int = 0) -> InternVL:
    """Packed layers in the place of those of its language model, in place."""
    decoder = model.language_model
    if decoder.head is None:
        decoder.head = Linear(decoder.config.hidden_size, decoder.config.vocab_size, bias=False)
        decoder.head.weight = decoder.embedding.weight
    for name, layer in list(decoder.named_modules()):
        if not isinstance(layer, Linear):
            continue
        if name == "head":
            packed = QuantLinear(pack(layer.weight.float(), "int8"), input_group=64)
        else:
            packed = QuantLinear(pack(layer.weight.float(), kind, group=group, bias=layer.bias), input_group=group or x_group)
        set_module(decoder, name, packed)
    return model.eval()
