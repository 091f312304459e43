"""InternVL-Chat-V1-5 and the Mini models, by size: 2B, 4B, 26B, and 40B (with Yi-34B, never released).

pretrain -> sft -> (released) -> finetune | lora
"""

from __future__ import annotations

from internvl.errors import ConfigError
from internvl.train.config import TrainConfig
from internvl.train.published import published_config

STEMS = {
    "2B": "mini-internvl-2b-v1-5", "4B": "mini-internvl-4b-v1-5", "26B": "internvl-chat-v1-5", "40B": "internvl-chat-v1-5-yi-34b",
}  # fmt: skip


def pretrain(size: str = "2B") -> TrainConfig:
    """Captions and OCR: ViT and projector (2B, 26B), or the projector alone (4B, 40B). Starts from assembled parts."""
    return published_config(f"{_stem(size)}-pretrain")


def sft(size: str = "2B") -> TrainConfig:
    """Instruction tuning of all parts, from the pre-trained model."""
    return published_config(f"{_stem(size)}-sft")


def finetune(size: str = "2B") -> TrainConfig:
    """Your own data: projector and language model of the released one. Not for 40B, which was never released."""
    return published_config(f"{_stem(size)}-finetune")


def lora(size: str = "2B") -> TrainConfig:
    """Your own data: adapters on the language model of the released one. Not for 40B."""
    return published_config(f"{_stem(size)}-lora")


def _stem(size: str) -> str:
    if size.upper() not in STEMS:
        raise ConfigError(f"sizes of InternVL 1.5 are {', '.join(STEMS)}, not {size!r:.20}")
    return STEMS[size.upper()]
