"""InternVL-Chat-V1-2 (40B): instruction tuning, and fine-tuning on your own data."""

from __future__ import annotations

from internvl.train.config import TrainConfig
from internvl.train.published import published_config


def sft() -> TrainConfig:
    """All parts, 1.2 M samples. Starts from parts that `recipes.progressive.put_together` joins, projector v1 included."""
    return published_config("internvl-chat-v1-2-sft")


def finetune() -> TrainConfig:
    """Projector and language model of V1-2-Plus."""
    return published_config("internvl-chat-v1-2-finetune")


def lora() -> TrainConfig:
    """Adapters on the language model of V1-2-Plus."""
    return published_config("internvl-chat-v1-2-lora")
