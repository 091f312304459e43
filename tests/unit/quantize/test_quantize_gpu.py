"""The way to torchao, with a stand-in for it: what it is asked to do, and what is said where it is absent."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from quantised_folders import tiny_model
from torch import nn

from internvl.errors import MissingDependencyError
from internvl.quantize.gpu import quantised_on_gpu
from internvl.quantize.plan import PRESETS


def test_layers_of_the_language_model_are_handed_to_torchao(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[nn.Module, Any]] = []
    fake = SimpleNamespace(
        quantize_=lambda module, config, filter_fn: asked.append((module, config)),
        Int8WeightOnlyConfig=lambda: "int8",
        Int4WeightOnlyConfig=lambda group_size: f"int4 in {group_size}",
    )
    monkeypatch.setitem(sys.modules, "torchao", SimpleNamespace(quantization=fake))
    monkeypatch.setitem(sys.modules, "torchao.quantization", fake)
    model = tiny_model()
    quantised_on_gpu(model, replace(PRESETS["int4"], keep=("language_model.layers.0",)))
    first, second = model.language_model.blocks
    handed = {id(module): config for module, config in asked}
    assert handed[id(second.mlp.down)] == "int4 in 64"
    assert handed[id(model.language_model.head)] == "int8"
    assert id(first.mlp.down) not in handed
    assert len(handed) == 5


def test_without_torchao_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(MissingDependencyError, match=r"internvl\[quant\]"):
        quantised_on_gpu(tiny_model(), PRESETS["int8"])
