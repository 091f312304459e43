"""Muon beside AdamW: what becomes orthogonal, what is AdamW as torch has it, and who gets which."""

from __future__ import annotations

import torch
from small_models import model

from internvl.train.config import OptimConfig
from internvl.train.muon import MuonAdamW, orthogonal
from internvl.train.optim import build_optimizer


def test_singular_values_come_close_to_one_and_vectors_stay() -> None:
    generator = torch.Generator().manual_seed(0)
    for shape in ((2, 16, 16), (3, 24, 8), (1, 8, 24)):
        stack = torch.randn(shape, generator=generator)
        made = orthogonal(stack)
        assert made.shape == stack.shape
        values = torch.linalg.svdvals(made)
        assert values.max() < 1.3
        assert values.min() > 0.3
        for matrix, near in zip(stack, made, strict=True):
            left, _, right = torch.linalg.svd(matrix, full_matrices=False)
            turned = left.mT @ near @ right.mT
            assert torch.allclose(turned, torch.diag(turned.diagonal()), atol=1e-4)


def test_other_groups_are_adamw_as_torch_has_it() -> None:
    start = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    settings = {"lr": 0.01, "betas": (0.9, 0.98), "eps": 1e-8, "weight_decay": 0.1}
    first = MuonAdamW([{"params": [ours]}], **settings)  # type: ignore[arg-type]
    second = torch.optim.AdamW([theirs], **settings)  # type: ignore[arg-type]
    for step in range(5):
        for parameter, optimizer in ((ours, first), (theirs, second)):
            parameter.grad = (parameter.detach() - step).sin()
            optimizer.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_inner_matrices_get_muon_and_its_rate_and_tables_do_not() -> None:
    built = model()
    optimizer = build_optimizer(built, OptimConfig(lr=1e-3, matrix_lr=0.02))
    assert isinstance(optimizer, MuonAdamW)
    names = {parameter: name for name, parameter in built.named_parameters()}
    for group in optimizer.param_groups:
        assert group["lr"] == (0.02 if group["matrix"] else 1e-3)
        for parameter in group["params"]:
            inner = parameter.ndim == 2 and (".layers." in names[parameter] or "projector." in names[parameter])
            assert group["matrix"] == inner, names[parameter]


def test_a_matrix_moves_by_its_rate_whatever_its_gradient() -> None:
    for size in (1e-3, 1e3):
        matrix = torch.nn.Parameter(torch.zeros(6, 6))
        matrix.grad = size * torch.randn(6, 6, generator=torch.Generator().manual_seed(2))
        MuonAdamW([{"params": [matrix], "matrix": True}], lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.0).step()
        assert 0.04 < torch.linalg.matrix_norm(matrix.detach(), 2) < 0.13
