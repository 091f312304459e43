"""How many pictures a second a vision encoder of some shape sees on this machine; weights don't matter, so they are random.

config -> VisionEncoder, evaluation -> one pass that warms up, then some that are timed -> the best of them
"""

from __future__ import annotations

import time

import torch

from internvl.models.config import VisionConfig
from internvl.models.vision.encoder import VisionEncoder

ROUNDS = 2


def images_per_second(config: VisionConfig, *, batch: int, rounds: int = ROUNDS) -> float:
    """Of random pictures of the config's size in float32, `batch` at a time, by as many threads as torch has now."""
    torch.manual_seed(0)
    encoder = VisionEncoder(config).eval()
    pixels = torch.randn(batch, config.num_channels, config.image_size, config.image_size)
    took = [_seconds(encoder, pixels) for _ in range(1 + rounds)]
    return batch / min(took[1:])


def _seconds(encoder: VisionEncoder, pixels: torch.Tensor) -> float:
    began = time.perf_counter()
    with torch.inference_mode():
        encoder(pixels)
    return time.perf_counter() - began
