"""A config.json that describes no possible model is refused with the file, the field and what was expected, before memory is spent."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tiny_checkpoints import INTERNLM2, PHI3, QWEN2, V1, copy, edit_config

from internvl.checkpoint import checkpoint
from internvl.checkpoint.checkpoint import Checkpoint, read_config
from internvl.checkpoint.load import load_model
from internvl.errors import CheckpointError, ConfigError, InternVLError

HOSTILE = [
    ("llm_config__hidden_size", -1, "hidden_size"),
    ("llm_config__hidden_size", 0, "hidden_size"),
    ("llm_config__hidden_size", 10**12, "hidden_size"),
    ("llm_config__hidden_size", "48", "hidden_size must be int, not str"),
    ("llm_config__hidden_size", True, "hidden_size must be int, not bool"),
    ("llm_config__hidden_size", 48.0, "hidden_size must be int, not float"),
    ("llm_config__hidden_size", None, "'hidden_size' is missing"),
    ("llm_config__num_hidden_layers", 10**12, "num_layers"),
    ("llm_config__num_hidden_layers", 0, "num_layers"),
    ("llm_config__num_attention_heads", -4, "num_attention_heads"),
    ("llm_config__num_attention_heads", 0, "num_attention_heads"),
    ("llm_config__num_key_value_heads", 3, "must divide"),
    ("llm_config__num_key_value_heads", 0, "num_kv_heads"),
    ("llm_config__head_dim", 10**9, "head_dim"),
    ("llm_config__head_dim", 7, "must divide head_dim"),
    ("llm_config__vocab_size", 10**12, "vocab_size"),
    ("llm_config__max_position_embeddings", 10**15, "max_positions"),
    ("llm_config__rms_norm_eps", "1e-6", "rms_norm_eps must be float"),
    ("llm_config__rms_norm_eps", True, "rms_norm_eps must be float"),
    ("llm_config__rms_norm_eps", float("nan"), "rms_norm_eps must be a finite number"),
    ("llm_config__rms_norm_eps", float("inf"), "rms_norm_eps must be a finite number"),
    ("llm_config__rms_norm_eps", -1e-6, "norm_eps"),
    ("llm_config__rope_theta", 10**400, "rope_theta must be a finite number"),
    ("llm_config__rope_theta", 0, "theta"),
    ("llm_config__rope_scaling", {"type": "yarn", "factor": 2.0}, "rope type must be one of"),
    ("llm_config__rope_scaling", {"type": "dynamic", "factor": 0.5}, "factor of at least 1"),
    ("llm_config__rope_scaling", {"type": "linear", "factor": float("nan")}, "factor must be a finite number"),
    ("llm_config__rope_scaling", {"type": "llama3", "factor": 8.0}, "original_max_position_embeddings"),
    ("llm_config__rope_scaling", "dynamic", "rope_scaling must be dict"),
    ("llm_config__partial_rotary_factor", 0.5, "partial_rotary_factor 0.5 is not supported"),
    ("llm_config__hidden_act", "relu", "hidden_act must be one of"),
    ("llm_config__architectures", ["MambaForCausalLM"], "'MambaForCausalLM' is not supported"),
    ("llm_config__architectures", "Qwen2ForCausalLM", "architectures must be list"),
    ("llm_config__use_sliding_window", True, None),
    ("llm_config", None, "'llm_config' is missing"),
    ("llm_config", [], "llm_config must be dict"),
    ("vision_config__hidden_size", -1, "hidden_size"),
    ("vision_config__num_hidden_layers", 10**12, "num_layers"),
    ("vision_config__num_attention_heads", 5, "must divide"),
    ("vision_config__patch_size", 0, "patch_size"),
    ("vision_config__patch_size", 15, "must divide image_size"),
    ("vision_config__image_size", 10**9, "image_size"),
    ("vision_config__num_channels", 4, "num_channels must be 3"),
    ("vision_config__hidden_act", "quick_gelu", "hidden_act must be one of"),
    ("vision_config__norm_type", "batch_norm", "norm must be one of"),
    ("vision_config__drop_path_rate", 1.5, "drop_path_rate"),
    ("vision_config__qkv_bias", "yes", "qkv_bias must be bool"),
    ("force_image_size", 57, "must divide force_image_size"),
    ("force_image_size", 10**9, "image_size"),
    ("downsample_ratio", 0, "downsample_ratio must lie in"),
    ("downsample_ratio", 1e-310, "downsample_ratio must lie in"),
    ("downsample_ratio", 0.4, "downsample_ratio must be 1/k"),
    ("downsample_ratio", -0.5, "downsample_ratio"),
    ("downsample_ratio", float("nan"), "downsample_ratio must be a finite number"),
    ("downsample_ratio", "0.5", "downsample_ratio must be float"),
    ("select_layer", -9, "select_layer must lie in"),
    ("select_layer", "last", "select_layer must be int"),
    ("min_dynamic_patch", 0, "tiles need 1 <= min <= max"),
    ("max_dynamic_patch", 10**9, "at most 40 tiles"),
    ("ps_version", "v3", "ps_version must be one of v1, v2"),
    ("ps_version", ..., "ps_version is missing"),
    ("template", "no-such-template", "unknown template 'no-such-template'; known are"),
    ("template", None, "'template' is missing"),
    ("template", 7, "template must be str"),
    ("model_type", "llava", "model_type must be 'internvl_chat'"),
    ("model_type", ..., "model_type must be"),
    ("use_llm_lora", -3, "use_llm_lora must be a LoRA rank"),
    ("use_llm_lora", "16", "use_llm_lora must be a LoRA rank"),
    ("quantization_config", {"quant_method": "awq", "bits": 4}, "quantised ('awq')"),
    ("quantization_config", {"quant_method": "gptq"}, "quantised ('gptq')"),
    ("quantization_config", {"quant_method": "bitsandbytes", "load_in_4bit": True}, "4-bit bitsandbytes"),
    ("quantization_config", "int3", "quantised ('int3')"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "message"), HOSTILE, ids=lambda value: str(value)[:40])
def test_impossible_fields(field: str, value: Any, message: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "parameter_shapes", lambda config: pytest.fail("modules were built"))
    folder = edit_config(copy(QWEN2, tmp_path / "model"), **{field: value})
    if message is None:
        folder, message = edit_config(folder, llm_config__sliding_window=100), "sliding-window attention is not supported"
    start = time.perf_counter()
    with pytest.raises(InternVLError) as caught:
        load_model(folder)
    assert time.perf_counter() - start < 2
    assert message in str(caught.value)
    assert str(folder / "config.json") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_impossible_longrope(tmp_path: Path) -> None:
    folder = copy(PHI3, tmp_path / "model")
    scaling = json.loads((folder / "config.json").read_text("utf-8"))["llm_config"]["rope_scaling"]
    for change, message in (
        ({"short_factor": [1.0]}, "one length"),
        ({"short_factor": [1.0] * 5, "long_factor": [1.0] * 5}, "head_dim / 2"),
        ({"long_factor": [0.0] * 6}, "factors above 0"),
        ({"long_factor": [1.0, None, 1.0, 1.0, 1.0, 1.0]}, "is missing"),
        ({"long_factor": "12345"}, "long_factor must be list"),
        ({"original_max_position_embeddings": 1}, "above 1"),
        ({"attention_factor": 3.0}, "gain"),
    ):
        edit_config(folder, llm_config__rope_scaling=scaling | change)
        with pytest.raises(ConfigError, match=message):
            Checkpoint(folder)


def test_native_fields_that_would_change_results(tmp_path: Path) -> None:
    from internvl.checkpoint.convert import convert

    convert(INTERNLM2, tmp_path / "native", layout="native")
    for field, value, message in (
        ("projector_hidden_act", "relu", "projector_hidden_act must be 'gelu'"),
        ("vision_feature_select_strategy", "full", "vision_feature_select_strategy must be 'default'"),
        ("vision_feature_layer", [-1, -2], "vision_feature_layer must be int"),
        ("text_config__attention_multiplier", 0.3, "attention_multiplier"),
        ("internvl_chat__family", "mamba", "language family must be one of"),
        ("internvl_chat__template", "{{ ''.__class__ }}", "unknown template"),
        ("vision_config__patch_size", [14, 7], "patch_size must be int, not list"),
    ):
        folder = edit_config(copy(tmp_path / "native", tmp_path / field), **{field: value})
        with pytest.raises(ConfigError, match=message):
            Checkpoint(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[1, 2]", "expected a JSON object, not list"),
        (b"null", "expected a JSON object"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"x": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'{"x": "' + b"a" * (17 << 20) + b'"}', "too large for a configuration"),
    ],
    ids=["empty", "cut", "list", "null", "not-utf-8", "deep-objects", "deep-lists", "long-number", "huge"],
)
def test_files_that_are_no_config(content: bytes, message: str, tmp_path: Path) -> None:
    folder = copy(QWEN2, tmp_path / "model")
    (folder / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        load_model(folder)


def test_a_folder_without_config(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json is missing"):
        load_model(tmp_path)
    (tmp_path / "config.json").mkdir()
    with pytest.raises(CheckpointError, match=r"config\.json is missing"):
        load_model(tmp_path)


def test_ten_to_the_twelve_layers_are_refused_by_the_files_alone(tmp_path: Path) -> None:
    """1024 layers are a possible model; only its tensors are not there. No module may be built to find that out."""
    folder = edit_config(copy(QWEN2, tmp_path / "model"), llm_config__num_hidden_layers=1024, vision_config__num_hidden_layers=1024)
    start = time.perf_counter()
    with pytest.raises(CheckpointError, match="tensors are missing"):
        Checkpoint(folder)
    assert time.perf_counter() - start < 2


def test_code_in_the_folder_is_never_imported(tmp_path: Path) -> None:
    folder = edit_config(
        copy(QWEN2, tmp_path / "model"),
        auto_map={"AutoModel": "modeling_canary.InternVLChatModel", "AutoConfig": "configuration_canary.Config"},
    )
    for name in ("modeling_canary", "configuration_canary", "tokenization_canary"):
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'sung')!r}, 'w')\n", "utf-8")
    load_model(folder)
    assert not (tmp_path / "sung").exists()
    assert not [name for name in sys.modules if "canary" in name]


def test_only_the_class_default_is_taken_for_an_absent_shuffle_version() -> None:
    values = json.loads((V1 / "config.json").read_text("utf-8"))
    del values["ps_version"]
    values["dynamic_image_size"] = False
    assert read_config(values, "config.json").pixel_shuffle == "v1"
