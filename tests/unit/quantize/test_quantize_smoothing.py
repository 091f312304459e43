"""Scales that move large channels into the weight: exact where nothing is rounded, and a gain where something is."""

from __future__ import annotations

import torch
from torch import nn

from internvl.models.norm import RMSNorm
from internvl.quantize.choosing import choose
from internvl.quantize.layer_inputs import LayerInputs
from internvl.quantize.plan import PRESETS
from internvl.quantize.smoothing import channel_scales, divided_norm

NAME = "vision_encoder.layers.0.mlp.up"


def inputs_with_outliers(columns: int = 64) -> LayerInputs:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(256, columns, generator=generator)
    rows[:, 3] *= 60
    rows[:, 17] *= 25
    inputs = LayerInputs(torch.zeros(columns), None)
    inputs.take(rows[:128])
    inputs.keep(rows[128:], 128)
    return inputs


def test_scales_are_powers_of_two_and_large_for_large_channels() -> None:
    inputs, weight = inputs_with_outliers(), torch.randn(40, 64, generator=torch.Generator().manual_seed(1))
    scales = channel_scales(inputs.peaks, weight, 0.5)
    assert torch.equal(scales, scales.log2().round().exp2())
    assert scales[3] == scales.max()
    assert scales[3] >= 4 * scales.median()
    dead = channel_scales(torch.zeros(64), torch.zeros(40, 64), 0.5)
    assert torch.equal(dead, torch.ones(64))


def test_a_divided_norm_loses_no_bit() -> None:
    scales = torch.tensor([0.25, 1.0, 8.0, 2.0]).repeat(4)
    for norm in (nn.LayerNorm(16), RMSNorm(16, 1e-6)):
        with torch.no_grad():
            for parameter in norm.parameters():
                parameter.normal_(generator=torch.Generator().manual_seed(2))
        norm = norm.to(torch.bfloat16)
        x = torch.randn(5, 16, generator=torch.Generator().manual_seed(3)).bfloat16()
        before = norm(x)
        divided = divided_norm(norm, scales)
        assert torch.equal(divided(x) * scales.bfloat16(), before)
        assert torch.equal(norm(x), before)
        assert {parameter.dtype for parameter in divided.parameters()} == {torch.bfloat16}


def test_it_is_chosen_where_it_helps_and_only_there() -> None:
    weight = torch.randn(48, 64, generator=torch.Generator().manual_seed(4))
    inputs = inputs_with_outliers()
    plain = choose(NAME, weight, None, inputs, PRESETS["int8"])
    smoothed = choose(NAME, weight, None, inputs, PRESETS["int8"], smooths=True)
    assert plain.scales is None
    assert smoothed.scales is not None
    assert smoothed.error is not None
    assert plain.error is not None
    assert smoothed.error < 0.6 * plain.error, (smoothed.error, plain.error)
    even = LayerInputs(torch.zeros(64), None)
    even.take(torch.randn(256, 64, generator=torch.Generator().manual_seed(5)))
    even.keep(torch.randn(256, 64, generator=torch.Generator().manual_seed(6)), 256)
    assert choose(NAME, weight, None, even, PRESETS["int8"], smooths=True).scales is None


def test_a_layer_that_loses_too_much_gets_more_bits() -> None:
    weight = torch.randn(48, 64, generator=torch.Generator().manual_seed(4))
    inputs = inputs_with_outliers()
    from dataclasses import replace

    name = "language_model.layers.0.mlp.down"
    kinds = {}
    for limits in ((1.0, 1.0), (1e-4, 1.0), (1e-4, 1e-4)):
        plan = replace(PRESETS["int4"], int4_limit=limits[0], int8_limit=limits[1])
        choice = choose(name, weight, torch.ones(48), inputs, plan)
        kinds[limits] = choice.form.kind if choice.form is not None else "float"
        assert choice.packed is None or choice.packed.bias is not None
    assert list(kinds.values()) == ["int4", "int8", "float"]
