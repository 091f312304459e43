"""InternVL 2.5 from parts to a chat model, and on your own data, by size: 1B, 2B, 4B, 8B, 26B, 38B, 78B.

assemble -> stage1 (projector) -> stage1_5 (ViT too; 8B and 26B only) -> stage2 (all) -> finetune | lora | mpo
"""

from __future__ import annotations

from internvl.train.config import TrainConfig
from internvl.train.published import published_config


def stage1(size: str = "1B") -> TrainConfig:
    """The projector learns to speak to the language model, at a high rate."""
    return _run(size, "stage1")


def stage1_5(size: str = "8B") -> TrainConfig:
    """ViT and projector on large noisy data; other sizes take the ViT that comes out of it."""
    return _run(size, "stage1_5")


def stage2(size: str = "1B") -> TrainConfig:
    """All parts on clean instructions."""
    return _run(size, "stage2")


def finetune(size: str = "1B") -> TrainConfig:
    """Your own data: projector and language model."""
    return _run(size, "finetune")


def lora(size: str = "1B") -> TrainConfig:
    """Your own data: adapters of rank 16 on the language model."""
    return _run(size, "lora")


def mpo(size: str = "1B") -> TrainConfig:
    """Preference training on pairs of answers."""
    return _run(size, "mpo")


def _run(size: str, stage: str) -> TrainConfig:
    return published_config(f"internvl2_5-{size.lower()}-{stage}")
