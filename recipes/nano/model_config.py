"""The sizes of internvl-nano: an InternViT of the 300M kind and a Qwen2-shaped language model, both 192 wide."""

from __future__ import annotations

from recipes.nano.scene import MAX_TILES, TILE
from recipes.nano.vocabulary import SYSTEM_MESSAGE, vocabulary_size

from internvl.models.config import InternVLConfig, LanguageConfig, RopeConfig, VisionConfig


def nano_config(*, width: int = 192, vision_layers: int = 5, language_layers: int = 4) -> InternVLConfig:
    """112 px tiles of 16 visual tokens, up to 6 tiles and a thumbnail; `width` is a multiple of 64."""
    heads = width // 64
    vision = VisionConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_layers=vision_layers,
        num_heads=heads,
        image_size=TILE,
        norm="layer_norm",
        qkv_bias=True,
        qk_norm=False,
        layer_scale_init=1.0,
    )
    language = LanguageConfig(
        family="qwen2",
        vocab_size=vocabulary_size(),
        hidden_size=width,
        intermediate_size=3 * width,
        num_layers=language_layers,
        num_heads=heads,
        num_kv_heads=1,
        head_dim=64,
        max_positions=2048,
        qkv_bias=True,
        rope=RopeConfig(theta=10000.0),
    )
    return InternVLConfig(
        vision=vision,
        language=language,
        template="Hermes-2",
        image_size=TILE,
        max_tiles=MAX_TILES,
        system_message=SYSTEM_MESSAGE,
    )
