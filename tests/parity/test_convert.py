"""Converting there and back gives the same bits, the same config.json and the same files beside them, whole or in shards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.convert import convert
from internvl.errors import ConfigError

FIXTURES = Path(__file__).parent / "fixtures"
KINDS = ("internvl2-qwen2", "internvl2-internlm2", "internvl2-phi3", "internvl2-llama3")
TOKENIZER_FILES = ("tokenizer_config.json", "tokenizer.model", "tokenizer.json", "vocab.json", "generation_config.json")
SHARD = 150_000


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    found = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as handle:
            found |= {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
    return found


def config(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text("utf-8"))


def same_tensors(first: Path, second: Path) -> bool:
    before, after = tensors(first), tensors(second)
    return before.keys() == after.keys() and all(
        torch.equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in before
    )


@pytest.mark.parametrize("shard_bytes", [SHARD, 1 << 30], ids=["sharded", "single"])
@pytest.mark.parametrize("kind", KINDS)
def test_original_to_native_and_back(kind: str, shard_bytes: int, tmp_path: Path) -> None:
    source = FIXTURES / kind
    convert(source, tmp_path / "native", layout="native", max_shard_bytes=shard_bytes)
    convert(tmp_path / "native", tmp_path / "back", layout="original", max_shard_bytes=shard_bytes)
    assert len(list((tmp_path / "back").glob("*.safetensors"))) == (1 if shard_bytes > SHARD else pytest.approx(6, abs=5))
    assert (tmp_path / "back" / "model.safetensors.index.json").exists() == (shard_bytes == SHARD)
    assert same_tensors(source, tmp_path / "back")
    assert config(source) == config(tmp_path / "back")
    for name in TOKENIZER_FILES:
        if (source / name).exists():
            assert (source / name).read_bytes().split() == (tmp_path / "back" / name).read_bytes().split(), name


@pytest.mark.parametrize("kind", KINDS)
def test_native_to_original_and_back(kind: str, tmp_path: Path) -> None:
    convert(FIXTURES / kind, tmp_path / "native", layout="native")
    native_only = config(tmp_path / "native")
    del native_only["converted_from"]  # as if another program had written it
    (tmp_path / "native" / "config.json").write_text(json.dumps(native_only), "utf-8")
    convert(tmp_path / "native", tmp_path / "original", layout="original", max_shard_bytes=SHARD)
    convert(tmp_path / "original", tmp_path / "back", layout="native")
    assert same_tensors(tmp_path / "native", tmp_path / "back")
    assert config(tmp_path / "back") == native_only
    assert Checkpoint(tmp_path / "original").config == Checkpoint(tmp_path / "native").config


@pytest.mark.parametrize("kind", [*KINDS, "v1-1-llama2"])
def test_the_same_layout_only_reshards(kind: str, tmp_path: Path) -> None:
    source = FIXTURES / kind
    convert(source, tmp_path / "many", layout="original", max_shard_bytes=SHARD)
    convert(tmp_path / "many", tmp_path / "one", layout="original")
    for folder in ("many", "one"):
        assert same_tensors(source, tmp_path / folder)
        assert config(source) == config(tmp_path / folder)
    shards = sorted((tmp_path / "many").glob("*.safetensors"))
    assert len(shards) > 2
    largest = max(tensor.nbytes for tensor in tensors(source).values())
    assert all(shard.stat().st_size < max(SHARD, largest) + 20_000 for shard in shards)
    assert (tmp_path / "one" / "model.safetensors").exists()


def test_a_native_config_keeps_all_that_the_original_said(tmp_path: Path) -> None:
    for kind in KINDS:
        convert(FIXTURES / kind, tmp_path / kind, layout="native")
        assert Checkpoint(tmp_path / kind).config == Checkpoint(FIXTURES / kind).config


def test_a_config_that_no_longer_fits_is_not_restored(tmp_path: Path) -> None:
    convert(FIXTURES / "internvl2-qwen2", tmp_path / "native", layout="native")
    values = config(tmp_path / "native")
    values["text_config"]["rope_theta"] = 5e5
    (tmp_path / "native" / "config.json").write_text(json.dumps(values), "utf-8")
    convert(tmp_path / "native", tmp_path / "back", layout="original")
    assert config(tmp_path / "back")["llm_config"]["rope_theta"] == 5e5


def test_pixel_shuffle_1_has_no_native_form(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pixel shuffle v1"):
        convert(FIXTURES / "v1-1-llama2", tmp_path / "native", layout="native")
    assert not list(tmp_path.iterdir())


def test_ids_of_the_ends_are_carried(tmp_path: Path) -> None:
    for kind in KINDS:
        convert(FIXTURES / kind, tmp_path / kind, layout="native")
        before, after = config(FIXTURES / kind)["llm_config"], config(tmp_path / kind)["text_config"]
        for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
            assert after[name] == before[name]
