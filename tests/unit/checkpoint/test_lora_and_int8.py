"""Checkpoints behind LoRA wrappers or in int8 load as the plain model they stand for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_checkpoints import INTERNLM2, PHI3, QWEN2, WEIGHTS, copy, edit_config, edit_tensors

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.convert import convert
from internvl.checkpoint.load import load_model
from internvl.errors import CheckpointError, ConfigError

Tensors = dict[str, torch.Tensor]
RANK = 3
# The modules that the released code wraps, per language model, and in the vision encoder.
TARGETS = {
    QWEN2: (*(f"self_attn.{x}_proj" for x in "qkvo"), *(f"mlp.{x}_proj" for x in ("gate", "up", "down"))),
    INTERNLM2: ("attention.wqkv", "attention.wo", "feed_forward.w1", "feed_forward.w2", "feed_forward.w3"),
    PHI3: ("mlp.gate_up_proj", "mlp.down_proj", "self_attn.o_proj", "self_attn.qkv_proj"),
}
VISION_TARGETS = ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")
PARTS = {"llm": "language_model.", "backbone": "vision_model."}


def wrap(tensors: Tensors, source: Path, part: str, *, base_layer: str, adapter: str) -> tuple[Tensors, Tensors]:
    """A part as peft stores it, with random adapters, and the merged tensors that this stands for."""
    generator = torch.Generator().manual_seed(3)
    prefix, targets = PARTS[part], TARGETS[source] if part == "llm" else VISION_TARGETS
    wrapped, merged = {}, dict(tensors)
    for name, tensor in tensors.items():
        inner = name.replace(prefix, f"{prefix}base_model.model.", 1) if name.startswith(prefix) else name
        module, _, leaf = inner.rpartition(".")
        if not (name.startswith(prefix) and module.endswith(targets)):
            wrapped[inner] = tensor
            continue
        wrapped[f"{module}{base_layer}.{leaf}"] = tensor
        if leaf == "weight":
            down = torch.randn(RANK, tensor.shape[1], generator=generator) * 0.1
            up = torch.randn(tensor.shape[0], RANK, generator=generator) * 0.1
            wrapped |= {f"{module}.lora_A{adapter}.weight": down, f"{module}.lora_B{adapter}.weight": up}
            merged[name] = tensor + 2 * (up @ down)
    return wrapped, merged


FORMS = {"new": (".base_layer", ".default"), "old": ("", ".default"), "bare": ("", ""), "new-bare": (".base_layer", "")}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", TARGETS, ids=lambda path: path.name)
def test_adapters_are_merged(source: Path, form: str, part: str, tmp_path: Path) -> None:
    base_layer, adapter = FORMS[form]
    wrapped, merged = wrap(load_file(source / WEIGHTS), source, part, base_layer=base_layer, adapter=adapter)
    assert sum(".lora_A" in name for name in wrapped) == 3 * len(TARGETS[source]) or part == "backbone"
    folder = edit_config(edit_tensors(copy(source, tmp_path / "lora"), lambda _: wrapped), **{f"use_{part}_lora": RANK})
    plain = edit_tensors(copy(source, tmp_path / "plain"), lambda _: merged)
    expected, untouched = dict(load_model(plain).named_parameters()), dict(load_model(source).named_parameters())
    changed = 0
    for name, found in load_model(folder).named_parameters():
        torch.testing.assert_close(found, expected[name], atol=1e-6, rtol=0)
        changed += not torch.equal(found, untouched[name])
    assert changed > 10


def test_both_parts_at_once_and_convert_writes_them_merged(tmp_path: Path) -> None:
    wrapped, merged = wrap(load_file(QWEN2 / WEIGHTS), QWEN2, "llm", base_layer=".base_layer", adapter=".default")
    wrapped, more = wrap(wrapped, QWEN2, "backbone", base_layer="", adapter=".default")
    merged |= {name: tensor for name, tensor in more.items() if name.startswith("vision_model.")}
    folder = edit_tensors(copy(QWEN2, tmp_path / "lora"), lambda _: wrapped)
    edit_config(folder, use_llm_lora=RANK, use_backbone_lora=RANK)
    for layout in ("original", "native"):
        convert(folder, tmp_path / layout, layout=layout)
    convert(tmp_path / "native", tmp_path / "back", layout="original")
    for name in ("original", "back"):
        written, config = load_file(tmp_path / name / WEIGHTS), json.loads((tmp_path / name / "config.json").read_text("utf-8"))
        assert written.keys() == merged.keys()
        assert all(torch.allclose(written[key], merged[key], atol=1e-6) for key in merged)
        assert config["use_llm_lora"] == config["use_backbone_lora"] == 0


def test_bfloat16_is_merged_in_float32(tmp_path: Path) -> None:
    wrapped, merged = wrap(load_file(QWEN2 / WEIGHTS), QWEN2, "llm", base_layer=".base_layer", adapter=".default")
    half = {name: tensor.bfloat16() for name, tensor in wrapped.items()}
    folder = edit_config(edit_tensors(copy(QWEN2, tmp_path / "lora"), lambda _: half), use_llm_lora=RANK)
    name = "language_model.model.layers.1.self_attn.o_proj.weight"
    stem = "language_model.base_model.model.model.layers.1.self_attn.o_proj"
    down, up = (half[f"{stem}.lora_{side}.default.weight"].float() for side in "AB")
    expected = (half[f"{stem}.base_layer.weight"].float() + 2 * (up @ down)).bfloat16()
    found = Checkpoint(folder).reader.tensor(name)
    assert torch.equal(found, expected)
    assert (found.float() - merged[name]).abs().max() < 0.02


Q = "layers.1.self_attn.q_proj"
SPOILED: list[tuple[str, Callable[[Tensors], Tensors], str]] = [
    ("half", lambda t: {k: v for k, v in t.items() if f"{Q}.lora_A" not in k}, "only its B half"),
    ("no-base", lambda t: {k: v for k, v in t.items() if f"{Q}.base_layer.weight" not in k}, "which the checkpoint lacks"),
    ("rank", lambda t: {k: v[:2] if f"{Q}.lora_A" in k else v for k, v in t.items()}, "does not fit"),
    ("width", lambda t: {k: v[:, :2] if f"{Q}.lora_A" in k else v for k, v in t.items()}, "does not fit"),
    ("twice", lambda t: t | {"language_model.model.norm.weight": torch.ones(48)}, "the same weight"),
    ("other-adapter", lambda t: {k.replace("lora_A.default", "lora_A.mine"): v for k, v in t.items()}, "half"),
    ("none", lambda t: {k: v for k, v in t.items() if ".lora_" not in k}, "no LoRA tensors of language_model"),
]


@pytest.mark.parametrize(("name", "spoil", "message"), SPOILED, ids=[row[0] for row in SPOILED])
def test_adapters_that_contradict_themselves(name: str, spoil: Callable[[Tensors], Tensors], message: str, tmp_path: Path) -> None:
    wrapped, _ = wrap(load_file(QWEN2 / WEIGHTS), QWEN2, "llm", base_layer=".base_layer", adapter=".default")
    folder = edit_config(edit_tensors(copy(QWEN2, tmp_path / name), lambda _: spoil(wrapped)), use_llm_lora=RANK)
    with pytest.raises(CheckpointError, match=message):
        Checkpoint(folder)


def int8(tensors: Tensors, dtype: torch.dtype) -> Tensors:
    """Linear layers of both towers as bitsandbytes stores them, everything else in `dtype`."""
    stored = {}
    for name, tensor in tensors.items():
        linear = tensor.dim() == 2 and "layers." in name and name.endswith(".weight")
        if not linear:
            stored[name] = tensor.to(dtype)
            continue
        scale = tensor.abs().amax(dim=1)
        module = name.removesuffix("weight")
        stored |= {
            name: (tensor * 127 / scale[:, None]).round().to(torch.int8),
            f"{module}SCB": scale,
            f"{module}weight_format": torch.tensor(0, dtype=torch.uint8),
        }
    return stored


BNB = {"quant_method": "bitsandbytes", "load_in_8bit": True}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("source", [INTERNLM2, QWEN2], ids=lambda path: path.name)
def test_int8_is_dequantised(source: Path, dtype: torch.dtype, tmp_path: Path) -> None:
    folder = edit_tensors(copy(source, tmp_path / "int8"), lambda tensors: int8(tensors, dtype))
    edit_config(folder, quantization_config=BNB)
    model, exact = load_model(folder), dict(load_model(source).named_parameters())
    assert {p.dtype for p in model.parameters()} == {torch.float32 if dtype == torch.float16 else dtype}
    for name, found in model.named_parameters():
        limit = exact[name].abs().max() / 127 if ".layers" in name else exact[name].abs().max() / 200
        assert (found.float() - exact[name]).abs().max() <= limit + 1e-6, name


def test_int8_is_converted_to_plain_weights(tmp_path: Path) -> None:
    folder = edit_tensors(copy(QWEN2, tmp_path / "int8"), lambda tensors: int8(tensors, torch.bfloat16))
    edit_config(folder, quantization_config=BNB)
    convert(folder, tmp_path / "plain", layout="original")
    assert "quantization_config" not in json.loads((tmp_path / "plain" / "config.json").read_text("utf-8"))
    found, expected = load_model(tmp_path / "plain"), load_model(folder)
    assert all(torch.equal(a, b) for a, b in zip(found.parameters(), expected.parameters(), strict=True))


O_PROJ = "language_model.model.layers.0.self_attn.o_proj"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({f"{O_PROJ}.SCB": torch.full((48,), float("nan"))}, "NaN or infinite"),
        ({f"{O_PROJ}.SCB": torch.ones(47)}, "does not fit"),
        ({f"{O_PROJ}.weight_format": torch.tensor(2, dtype=torch.uint8)}, "row by row"),
        ({f"{O_PROJ}.SCB": None}, "scales .* are missing"),
        ({f"{O_PROJ}.weight": torch.ones(48, 48)}, "does not fit"),
    ],
    ids=["nan", "shape", "tiled", "no-scale", "not-int8"],
)
def test_int8_that_is_spoiled(change: dict[str, torch.Tensor | None], message: str, tmp_path: Path) -> None:
    def spoil(tensors: Tensors) -> Tensors:
        changed = int8(tensors, torch.float16) | change
        return {name: tensor for name, tensor in changed.items() if tensor is not None}

    folder = edit_config(edit_tensors(copy(QWEN2, tmp_path / "int8"), spoil), quantization_config=BNB)
    with pytest.raises(CheckpointError, match=message):
        Checkpoint(folder)


def test_other_quantisations_are_named(tmp_path: Path) -> None:
    folder = edit_config(copy(QWEN2, tmp_path / "awq"), quantization_config={"quant_method": "awq"})
    with pytest.raises(ConfigError, match=r"'awq'.*unquantised release"):
        Checkpoint(folder)
