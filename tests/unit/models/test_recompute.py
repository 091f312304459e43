"""Which blocks compute their activations again: those that learn, and frozen ones that gradients pass through."""

from __future__ import annotations

import torch
from torch import nn

from internvl.models.recompute import recomputes


def test_a_block_that_learns_does_while_it_is_trained() -> None:
    block, x = nn.Linear(2, 2), torch.zeros(1, 2)
    assert recomputes(block.train(), x, wanted=True)
    assert not recomputes(block.train(), x, wanted=False)
    assert not recomputes(block.eval(), x, wanted=True)
    with torch.no_grad():
        assert not recomputes(block.train(), x, wanted=True)


def test_a_frozen_block_does_where_something_below_it_learns() -> None:
    block, x = nn.Linear(2, 2).requires_grad_(False).eval(), torch.zeros(1, 2)
    assert not recomputes(block, x, wanted=True)
    assert recomputes(block, x.requires_grad_(), wanted=True)
