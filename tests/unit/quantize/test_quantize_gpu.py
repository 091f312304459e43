"""The way to torchao: what it is asked to do (by a stand-in), its int8 on the CPU, and what is said where something is absent."""

from __future__ import annotations

import copy
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from quantised_folders import tiny_model
from torch import nn

from internvl.errors import ConfigError, MissingDependencyError
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
    model = tiny_model().bfloat16()
    quantised_on_gpu(model, replace(PRESETS["int4"], keep=("language_model.layers.0",)))
    first, second = model.language_model.blocks
    handed = {id(module): config for module, config in asked}
    assert handed[id(second.mlp.down)] == "int4 in 64"
    assert handed[id(model.language_model.head)] == "int8"
    assert id(first.mlp.down) not in handed
    assert len(handed) == 5


@pytest.mark.parametrize("newer", [False, True])
def test_int4_is_asked_for_in_the_format_of_torchs_own_kernel(monkeypatch: pytest.MonkeyPatch, newer: bool) -> None:
    def older_config(group_size: int) -> Any:
        return {"group_size": group_size}

    def newer_config(group_size: int, int4_packing_format: str = "plain") -> Any:
        return {"group_size": group_size, "format": int4_packing_format}

    asked: list[Any] = []
    fake = SimpleNamespace(
        quantize_=lambda module, config, filter_fn: asked.append(config),
        Int8WeightOnlyConfig=dict,
        Int4WeightOnlyConfig=newer_config if newer else older_config,
    )
    monkeypatch.setitem(sys.modules, "torchao", SimpleNamespace(quantization=fake))
    monkeypatch.setitem(sys.modules, "torchao.quantization", fake)
    quantised_on_gpu(tiny_model().bfloat16(), PRESETS["int4"])
    with pytest.raises(ConfigError, match="int4 weights on a GPU come with bfloat16"):
        quantised_on_gpu(tiny_model(), PRESETS["int4"])
    assert {each.get("format") for each in asked if "group_size" in each} == {"tile_packed_to_4d" if newer else None}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_int8_by_torchao_itself(dtype: torch.dtype) -> None:
    pytest.importorskip("torchao")
    model = tiny_model().eval().to(dtype)
    ids = torch.arange(20)[None]
    with torch.inference_mode():
        truth = model(ids).float()
        changed = quantised_on_gpu(copy.deepcopy(model), PRESETS["int8"])
        found = changed(ids).float()
    weights = [type(block.mlp.down.weight).__name__ for block in changed.language_model.blocks]
    assert all("Int8" in name or "Quantized" in name for name in weights)
    apart = float((found - truth).square().mean().sqrt() / truth.std())
    assert 0 < apart < 0.05


def test_what_torchao_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(module: nn.Module, config: Any, filter_fn: Any) -> None:
        raise ImportError("Requires mslk >= 1.0.0")

    fake = SimpleNamespace(quantize_=lacks, Int8WeightOnlyConfig=dict)
    monkeypatch.setitem(sys.modules, "torchao", SimpleNamespace(quantization=fake))
    monkeypatch.setitem(sys.modules, "torchao.quantization", fake)
    with pytest.raises(MissingDependencyError, match="int8 weights with what is installed here: Requires mslk"):
        quantised_on_gpu(tiny_model(), PRESETS["int8"])


def test_without_torchao_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(MissingDependencyError, match=r"internvl\[quant\]"):
        quantised_on_gpu(tiny_model(), PRESETS["int8"])
