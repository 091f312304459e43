"""InternVL2 on your own data, by size: 1B, 2B, 4B, 8B, 26B, 40B, 76B."""

from __future__ import annotations

from internvl.train.config import TrainConfig
from internvl.train.published import published_config


def finetune(size: str = "2B") -> TrainConfig:
    """Projector and language model; the ViT is frozen."""
    return published_config(f"internvl2-{size.lower()}-finetune")


def lora(size: str = "2B") -> TrainConfig:
    """Adapters of rank 16 on the language model, nothing else."""
    return published_config(f"internvl2-{size.lower()}-lora")


def mpo() -> TrainConfig:
    """Preference training of the 8B on pairs of answers."""
    return published_config("internvl2-8b-mpo")
