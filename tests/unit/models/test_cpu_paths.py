"""The faster ways through a CPU give what torch's own give, and step aside for training."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from internvl.models import linear
from internvl.models.attention import attend
from internvl.models.build import build_model
from internvl.models.config import InternVLConfig, LanguageConfig, VisionConfig
from internvl.models.linear import Linear, takes_onednn

TYPES = (torch.float32, torch.bfloat16)


def needs_onednn(dtype: torch.dtype) -> None:
    with torch.no_grad():
        if not takes_onednn(torch.zeros(1, dtype=dtype)):
            pytest.skip(f"oneDNN does not compute {dtype} here")


def spy(monkeypatch: pytest.MonkeyPatch, module: object) -> list[int]:
    """Count the calls of `product` that a module makes."""
    calls: list[int] = []
    original = linear.product

    def counted(*arguments: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return original(*arguments)

    monkeypatch.setattr(module, "product", counted)
    return calls


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(1, 1, 1024), (2, 33, 1024)])
def test_linear_equals_torch(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    needs_onednn(dtype)
    calls = spy(monkeypatch, linear)
    torch.manual_seed(0)
    layer = Linear(1024, 768).to(dtype)
    x = torch.randn(shape).to(dtype)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), F.linear(x, layer.weight, layer.bias), atol=1e-5, rtol=0 if dtype == TYPES[1] else 1e-5)
    assert calls


def test_linear_reads_columns_of_a_wider_tensor() -> None:
    needs_onednn(torch.float32)
    torch.manual_seed(0)
    layer = Linear(1024, 768)
    x = torch.randn(4, 16, 2048)[..., 512:1536]
    with torch.no_grad():
        torch.testing.assert_close(layer(x), F.linear(x, layer.weight, layer.bias), atol=1e-5, rtol=1e-5)


def test_linear_has_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = spy(monkeypatch, linear)
    layer = Linear(1024, 768)
    layer(torch.randn(8, 1024)).sum().backward()
    assert layer.weight.grad is not None
    assert float(layer.weight.grad.abs().sum()) > 0
    assert not calls


def test_a_frozen_linear_is_as_fast_while_others_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_onednn(torch.float32)
    calls = spy(monkeypatch, linear)
    layer = Linear(1024, 768).requires_grad_(False)
    layer(torch.randn(8, 1024))
    assert len(calls) == 1
    x = torch.randn(8, 1024, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    assert len(calls) == 1


def test_linear_of_other_types_is_torch_s(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = spy(monkeypatch, linear)
    layer = Linear(1024, 768).double()
    with torch.no_grad():
        layer(torch.randn(8, 1024, dtype=torch.float64))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert Linear(1024, 768)(torch.randn(8, 1024)).dtype == torch.bfloat16
    assert not calls


def test_attention_has_gradients() -> None:
    q = torch.randn(1, 1, 520, 64, requires_grad=True)
    attend(q, q, q).sum().backward()
    assert q.grad is not None


def test_causal_attention_looks_back_only() -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 1, 520, 64) for _ in range(3))
    changed = v.clone()
    changed[:, :, -1] += 100
    with torch.no_grad():
        before, after = attend(q, k, v, causal=True), attend(q, k, changed, causal=True)
    torch.testing.assert_close(before[:, :, :-1], after[:, :, :-1])
    assert not torch.equal(before[:, :, -1], after[:, :, -1])


def test_logits_of_one_position_are_those_of_all() -> None:
    vision = VisionConfig(
        hidden_size=16, intermediate_size=32, num_layers=1, num_heads=2, image_size=28, norm="layer_norm", qkv_bias=True, qk_norm=False
    )
    language = LanguageConfig(
        family="qwen2", vocab_size=50, hidden_size=16, intermediate_size=32, num_layers=1, num_heads=2, num_kv_heads=1, head_dim=8,
        max_positions=64, qkv_bias=True,
    )  # fmt: skip
    model = build_model(InternVLConfig(vision=vision, language=language, template="Hermes-2", image_size=28)).eval()
    ids = torch.arange(14).view(2, 7)
    with torch.no_grad():
        every, last = model(ids), model(ids, last_only=True)
    assert last.shape == (2, 1, 50)
    torch.testing.assert_close(last, every[:, -1:])
