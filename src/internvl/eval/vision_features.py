"""A vision encoder from disk as a FeatureExtractor: that of a chat checkpoint, or an InternViT folder of its own.

folder -> VisionSource -> parameters one by one -> VisionEncoder -> VisionFeatures
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from internvl.checkpoint.part import Part
from internvl.checkpoint.vision_folder import PART, open_vision
from internvl.eval.feature_extractor import VisionFeatures
from internvl.eval.fingerprint import folder_hash
from internvl.models.config import InternVLConfig, LanguageConfig, VisionConfig
from internvl.models.vision.encoder import VisionEncoder


def open_vision_features(
    folder: Path, *, image_size: int = 224, batch_size: int = 16, device: str = "cpu", dtype: torch.dtype | None = None
) -> VisionFeatures:
    """The encoder of a folder, ready to be probed. dtype: None keeps the stored type.

    Raises CheckpointError or ConfigError for a folder that holds no such encoder.
    """
    source = open_vision(folder)
    part = source.part(_with_no_language(source.config), image_size=source.config.image_size)
    encoder = _encoder(source.config, part, torch.device(device), dtype)
    description = {"model_hash": folder_hash(folder), "part": PART}
    return VisionFeatures(
        encoder, source.config, name=folder.name, description=description, image_size=image_size, batch_size=batch_size
    )


def _encoder(config: VisionConfig, part: Part, device: torch.device, dtype: torch.dtype | None) -> VisionEncoder:
    with torch.device("meta"):
        encoder = VisionEncoder(config)
    for ours, entry in part.entries.items():
        tensor = entry.join([part.reader.tensor(name, stays=True) for name in entry.stored], dtype=dtype, device=device)
        owner, _, leaf = ours.removeprefix(f"{PART}.").rpartition(".")
        setattr(encoder.get_submodule(owner), leaf, nn.Parameter(tensor, requires_grad=False))
    return encoder.eval()


def _with_no_language(vision: VisionConfig) -> InternVLConfig:
    """A chat model's config around the encoder, because names on disk are listed for whole models; its other part is not read."""
    smallest = LanguageConfig(
        family="qwen2",
        vocab_size=2,
        hidden_size=2,
        intermediate_size=2,
        num_layers=1,
        num_heads=1,
        num_kv_heads=1,
        head_dim=2,
        max_positions=2,
    )
    ratio = 1.0 if vision.grid % 2 else 0.5
    return InternVLConfig(
        vision=vision, language=smallest, template="internvl2_5", image_size=vision.image_size, downsample_ratio=ratio
    )
