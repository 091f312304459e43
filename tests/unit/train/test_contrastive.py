"""Contrastive training against its plain definition, whole and in chunks."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from internvl.errors import ConfigError
from internvl.train.objectives.contrastive import ContrastiveObjective


def features(pairs: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(pairs, 8, generator=generator), torch.randn(pairs, 8, generator=generator)


def contrast(objective: ContrastiveObjective, image: Tensor, text: Tensor) -> tuple[float, list[Tensor]]:
    """Loss, and gradients of both inputs and the temperature."""
    image, text = image.clone().requires_grad_(), text.clone().requires_grad_()
    objective.zero_grad()
    losses = objective(image, text)
    losses.total.backward()
    found = [image.grad, text.grad, objective.logit_scale.grad]
    return losses.total.item(), [gradient.clone() for gradient in found if gradient is not None]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_contrast_is_symmetric_cross_entropy(smoothing: float) -> None:
    image, text = features()
    objective = ContrastiveObjective(label_smoothing=smoothing)
    logits = F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T / 0.07
    targets = torch.arange(6)
    expected = sum(F.cross_entropy(each, targets, reduction="sum", label_smoothing=smoothing) for each in (logits, logits.T)) / 2
    losses = objective(image, text)
    torch.testing.assert_close(losses.total, expected)
    assert float(losses.parts["accuracy"]) == int((logits.argmax(1) == targets).sum())
    assert float(losses.parts["temperature"] / losses.weight) == pytest.approx(0.07)


def test_chunks_of_the_similarity_matrix_change_nothing() -> None:
    whole, gradients = contrast(ContrastiveObjective(), *features())
    parts, found = contrast(ContrastiveObjective(chunk_rows=4), *features())
    assert parts == pytest.approx(whole, rel=1e-6)
    for one, other in zip(gradients, found, strict=True):
        torch.testing.assert_close(other, one, atol=1e-6, rtol=1e-5)


def test_pictures_without_texts_are_refused() -> None:
    with pytest.raises(ConfigError, match="pairs"):
        ContrastiveObjective()(torch.zeros(3, 4), torch.zeros(2, 4))
