"""Weights of tokens: who counts how much in the average."""

from __future__ import annotations

import pytest
import torch

from internvl.data.loss_weight import token_weights
from internvl.errors import ConfigError

LABELS = torch.tensor([-100, -100, 7, 8, -100, 9, 0])  # four learnt tokens; id 0 is one of them


@pytest.mark.parametrize(("kind", "weight"), [("token", 1.0), ("sample", 0.25), ("square", 0.5)])
def test_weights_stand_at_the_labels(kind: str, weight: float) -> None:
    weights = token_weights(LABELS, kind)
    assert weights.dtype == torch.float32
    assert weights.tolist() == [0, 0, weight, weight, 0, weight, weight]


@pytest.mark.parametrize("kind", ["token", "sample", "square"])
def test_no_label_no_weight(kind: str) -> None:
    assert token_weights(torch.full((3,), -100), kind).tolist() == [0, 0, 0]
    assert token_weights(torch.empty(0, dtype=torch.long), kind).shape == (0,)


def test_a_sample_counts_one_however_long() -> None:
    assert token_weights(torch.arange(37), "sample").sum().item() == pytest.approx(1)
    assert token_weights(torch.arange(36), "square").sum().item() == pytest.approx(6)


def test_unknown_kind() -> None:
    with pytest.raises(ConfigError, match="token, sample, square, not 'tokens'"):
        token_weights(LABELS, "tokens")
