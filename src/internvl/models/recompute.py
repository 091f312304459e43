"""When a layer keeps only its input and computes the rest again in the backward pass (activation checkpointing)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def set_checkpointing(blocks: Iterable[Any], enabled: bool) -> None:
    """In training, keep each block's input only and compute the block again for its gradient: less memory, a third more work."""
    for block in blocks:
        block.checkpointing = enabled


def recomputes(block: nn.Module, x: Tensor, *, wanted: bool) -> bool:
    """Whether this call of a block should: if wanted, while the block is trained, or frozen with gradients passing through it.

    A frozen block is in evaluation mode, but below it something may learn, and then its activations are kept like any other's.
    """
    if not wanted or not torch.is_grad_enabled():
        return False
    return block.training or (x.requires_grad and not any(parameter.requires_grad for parameter in block.parameters()))
