"""A short name for the weights of a dual encoder, so that vectors of two models are never compared, whatever their folders are called.

parameters -> the first numbers of each, rounded to bfloat16 -> a digest, the same in whatever type and place they were loaded
"""

from __future__ import annotations

import hashlib

import torch

from internvl.models.contrastive.dual import DualModel

LOOKED_AT = 16


def weights_identity(model: DualModel) -> str:
    """16 hexadecimal digits. Training moves every number a little, so the first ones of each tensor tell models apart."""
    digest = hashlib.blake2b(digest_size=8)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            numbers = parameter.reshape(-1)[:LOOKED_AT].to("cpu", torch.bfloat16)
            digest.update(f"{name} {tuple(parameter.shape)} ".encode() + numbers.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
