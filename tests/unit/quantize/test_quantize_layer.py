"""Packed layers in a model: what they compute, that kernels and twins agree, and that no conversion changes their numbers."""

from __future__ import annotations

import pytest
import torch
from quantised_folders import FIXTURES, KINDS, logits

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.load import load_model, load_weights
from internvl.kernels.packed import unpack
from internvl.quantize.formats import LayerFormat, format_for
from internvl.quantize.layer import QuantEmbedding, QuantLinear, layers_of
from internvl.quantize.packing import packed_nearest
from internvl.quantize.plan import PRESETS

WEIGHT = torch.randn(37, 96, generator=torch.Generator().manual_seed(0))
BIAS = torch.randn(37, generator=torch.Generator().manual_seed(1))
X = torch.randn(2, 5, 96, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("form", [LayerFormat(kind="int8"), LayerFormat(kind="int8", input_group=32), format_for("x", "int4", 96, 64)])
def test_a_layer_computes_what_its_weight_stands_for(form: LayerFormat) -> None:
    layer = QuantLinear(packed_nearest(WEIGHT, form, BIAS), input_group=form.input_group)
    exact = X @ unpack(layer.packed).T + BIAS
    assert float((layer(X) - exact).norm() / exact.norm()) < 0.01
    assert layer(X.bfloat16()).dtype == torch.bfloat16
    assert layer(X).shape == (2, 5, 37)
    assert layer.format == form


def test_an_embedding_gives_rows_in_its_type() -> None:
    table = QuantEmbedding(packed_nearest(WEIGHT, LayerFormat(kind="int8")), dtype=torch.float32)
    ids = torch.tensor([[0, 36, 5]])
    torch.testing.assert_close(table(ids), WEIGHT[ids], atol=0.03, rtol=0)
    assert torch.equal(table(ids)[0, 1], unpack(table.packed)[36])
    assert table.to(torch.bfloat16)(ids).dtype == torch.bfloat16


@pytest.mark.parametrize("convert", ["bfloat16", "float", "half", "double"])
def test_converting_a_model_leaves_packed_numbers_alone(convert: str) -> None:
    form = format_for("x", "int4", 96, 32)
    layer = QuantLinear(packed_nearest(WEIGHT, form, BIAS), input_group=form.input_group)
    before = {name: (tensor.dtype, tensor.clone()) for name, tensor in layer.named_buffers()}
    getattr(torch.nn.Sequential(layer), convert)()
    for name, tensor in layer.named_buffers():
        assert tensor.dtype == before[name][0]
        assert torch.equal(tensor, before[name][1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("preset", ["int8", "int4"])
def test_every_family_is_quantised_and_close_to_itself(kind: str, preset: str) -> None:
    checkpoint = Checkpoint(FIXTURES / kind)
    full, model = load_model(FIXTURES / kind), load_weights(checkpoint, plan=PRESETS[preset])
    kinds = {layer.kind for layer in layers_of(model).values()}
    assert kinds == ({"int8"} if preset == "int8" else {"int8", "int4"})
    assert not [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    truth, found = logits(full), logits(model)
    limit = 0.05 if preset == "int8" else 0.35
    assert float((found - truth).norm() / truth.norm()) < limit
    if preset == "int8":
        assert float((found.argmax(-1) == truth.argmax(-1)).float().mean()) >= 0.8


@pytest.mark.parametrize("preset", ["int8", "int4"])
def test_kernels_and_twins_agree(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_weights(Checkpoint(FIXTURES / KINDS[0]), plan=PRESETS[preset])
    native = logits(model)
    monkeypatch.setenv("INTERNVL_KERNELS", "off")
    plain = logits(model)
    # Within a layer both do the same integers; between layers a rounding of inputs may fall to the other side.
    assert float((native - plain).norm() / plain.norm()) < 0.01
