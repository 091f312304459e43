"""Sizes of internvl-dual-nano, and its weights before training: an InternViT and a small causal text tower."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from recipes.dual_nano.vocabulary import SIZE, write_tokenizer
from torch import nn

from internvl.checkpoint.dual import save_dual_model
from internvl.models.config import LanguageConfig, VisionConfig
from internvl.models.contrastive.config import DualConfig
from internvl.models.contrastive.dual import TEMPERATURE, DualModel
from internvl.models.norm import RMSNorm

WIDTH, EMBED = 192, 192


def config(*, side: int = 112, vision_layers: int = 6, text_layers: int = 2) -> DualConfig:
    """No queries: an InternVL-C. The output head is the embedding, and nothing trains it apart."""
    vision = VisionConfig(
        hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_layers=vision_layers, num_heads=3, image_size=side,
        norm="layer_norm", qkv_bias=True, qk_norm=False,
    )  # fmt: skip
    language = LanguageConfig(
        family="llama", vocab_size=SIZE, hidden_size=WIDTH, intermediate_size=3 * WIDTH, num_layers=text_layers, num_heads=3,
        num_kv_heads=3, head_dim=64, max_positions=128, tie_embeddings=True,
    )  # fmt: skip
    return DualConfig(vision=vision, language=language, embed_dim=EMBED, pool_heads=3, queries=0)


def random_model(sizes: DualConfig, *, seed: int = 1) -> DualModel:
    """Random weights as BEiT has them: normal, smaller where many layers add up."""
    torch.manual_seed(seed)
    with torch.device("meta"):
        model = DualModel(sizes)
    model = model.to_empty(device="cpu")
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
                nn.init.trunc_normal_(
                    module.weight, std=0.02 if isinstance(module, nn.Embedding) else 1 / math.sqrt(module.weight[0].numel())
                )
            elif isinstance(module, RMSNorm | nn.LayerNorm):
                module.weight.fill_(1.0)
            if isinstance(bias := getattr(module, "bias", None), nn.Parameter):
                bias.zero_()
        embeddings = model.vision_encoder.embeddings
        for table in (embeddings.class_token, embeddings.positions):
            nn.init.trunc_normal_(table, std=0.02)
        for block in model.vision_encoder.blocks:
            block.scale1.fill_(sizes.vision.layer_scale_init)
            block.scale2.fill_(sizes.vision.layer_scale_init)
        nn.init.trunc_normal_(model.text_projection, std=1 / math.sqrt(sizes.language.hidden_size))
        model.logit_scale.fill_(math.log(1 / TEMPERATURE))
    return model.eval()


def write_start(folder: Path, *, side: int = 112) -> None:
    """A checkpoint folder with tokenizer that training begins from. side: of the pictures, in pixels."""
    write_tokenizer(folder)
    save_dual_model(random_model(config(side=side)), folder)
