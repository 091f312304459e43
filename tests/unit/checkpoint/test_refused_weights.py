"""Weights that are not what they should be: pickles, cut and forged safetensors, shards that are missing or elsewhere."""

from __future__ import annotations

import json
import pickle
import tracemalloc
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_checkpoints import INTERNLM2, QWEN2, WEIGHTS, copy, edit_tensors, raw_file, write_index

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.convert import convert
from internvl.checkpoint.load import load_model
from internvl.checkpoint.shards import ShardReader
from internvl.errors import CheckpointError

F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return copy(QWEN2, tmp_path / "model")


class Canary:
    """A pickle that leaves a file behind when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "model.pt", "model.pth"])
def test_a_pickle_is_refused_and_never_opened(name: str, model: Path, tmp_path: Path) -> None:
    (model / WEIGHTS).unlink()
    (model / name).write_bytes(pickle.dumps(Canary(tmp_path / "sung")))
    with pytest.raises(CheckpointError, match="never opened") as caught:
        load_model(model)
    assert name in str(caught.value)
    assert "weights_only=True" in str(caught.value)
    assert not (tmp_path / "sung").exists()
    pickle.loads((model / name).read_bytes())  # the canary does sing
    assert (tmp_path / "sung").exists()


def test_a_pickle_beside_safetensors_is_left_alone(model: Path, tmp_path: Path) -> None:
    (model / "pytorch_model.bin").write_bytes(pickle.dumps(Canary(tmp_path / "sung")))
    load_model(model)
    assert not (tmp_path / "sung").exists()


def test_no_weights_at_all(model: Path) -> None:
    (model / WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match=r"no weights found; expected model\.safetensors"):
        load_model(model)


FORGED = {
    "header-2^60": (b"{}", b"", 1 << 60),
    "header-2^63": (b"{}", b"", (1 << 64) - 1),
    "header-beyond-the-file": (b"{}", b"", 5000),
    "header-cut": (b'{"a": {"dtype"', b"", None),
    "header-list": (b"[1, 2]", b"", None),
    "header-not-utf-8": (b'{"\xff": 1}', b"", None),
    "overlapping-offsets": ({"a": F32, "b": F32 | {"data_offsets": [4, 12]}}, b"0" * 12, None),
    "gap": ({"a": F32, "b": F32 | {"data_offsets": [12, 20]}}, b"0" * 20, None),
    "offset-2^60": ({"a": F32 | {"data_offsets": [0, 1 << 60]}}, b"0" * 8, None),
    "negative-shape": ({"a": F32 | {"shape": [-2]}}, b"0" * 8, None),
    "shape-2^62": ({"a": F32 | {"shape": [1 << 62, 4], "data_offsets": [0, 0]}}, b"", None),
    "shape-and-offsets-differ": ({"a": F32 | {"shape": [3]}}, b"0" * 8, None),
    "unknown-dtype": ({"a": F32 | {"dtype": "F31"}}, b"0" * 8, None),
    "trailing-bytes": ({"a": F32}, b"0" * 9, None),
    "cut-short": ({"a": F32}, b"0" * 7, None),
    "duplicate-key": (f'{{"a": {json.dumps(F32)}, "a": {json.dumps(F32)}}}'.encode(), b"0" * 8, None),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_files(name: str, model: Path) -> None:
    header, data, length = FORGED[name]
    raw_file(model / WEIGHTS, header, data, length=length)
    tracemalloc.start()
    with pytest.raises(CheckpointError) as caught:
        load_model(model)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(model / WEIGHTS) in str(caught.value)
    assert ("'a' twice" if name == "duplicate-key" else "not a whole safetensors file") in str(caught.value)
    assert peak < 5 << 20


@pytest.mark.parametrize("kept", [0, 4, 8, 100, 5000, -1])
def test_truncated_files(kept: int, model: Path) -> None:
    content = (model / WEIGHTS).read_bytes()
    (model / WEIGHTS).write_bytes(content[:kept])
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        load_model(model)


def test_a_missing_shard(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    convert(QWEN2, folder, layout="original", max_shard_bytes=150_000)
    lost = sorted(folder.glob("*.safetensors"))[1]
    lost.unlink()
    with pytest.raises(CheckpointError, match=f"the shard {lost.name} is missing"):
        load_model(folder)


def test_a_shard_that_lacks_what_the_index_says(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    convert(QWEN2, folder, layout="original", max_shard_bytes=150_000)
    first, second = sorted(folder.glob("*.safetensors"))[:2]
    second.write_bytes(first.read_bytes())
    with pytest.raises(CheckpointError, match="the index places"):
        load_model(folder)


def test_a_tensor_in_two_shards(tmp_path: Path) -> None:
    raw_file(tmp_path / "a.safetensors", {"x": F32}, b"0" * 8)
    raw_file(tmp_path / "b.safetensors", {"x": F32, "y": F32 | {"data_offsets": [8, 16]}}, b"0" * 16)
    write_index(tmp_path, {"x": "a.safetensors", "y": "b.safetensors"})
    with pytest.raises(CheckpointError, match=r"'x' is also in a\.safetensors"):
        ShardReader(tmp_path)


@pytest.mark.parametrize(
    "file",
    ["../secret.safetensors", "/etc/secret.safetensors", "sub/secret.safetensors", "..\\secret.safetensors", "code.py", "..", 7, None],
)
def test_an_index_that_leaves_the_folder(file: object, model: Path) -> None:
    (model.parent / "secret.safetensors").write_bytes((model / WEIGHTS).read_bytes())
    write_index(model, {"a": file})
    with pytest.raises(CheckpointError, match="in the same folder"):
        load_model(model)


@pytest.mark.parametrize("link", [WEIGHTS, "shard.safetensors"])
def test_a_link_that_leaves_the_folder(link: str, model: Path) -> None:
    outside = model.parent / "outside.safetensors"
    (model / WEIGHTS).rename(outside)
    (model / link).symlink_to(outside)
    if link != WEIGHTS:
        write_index(model, dict.fromkeys(load_file(outside), link))
    with pytest.raises(CheckpointError, match="outside of its folder"):
        load_model(model)


def test_links_of_the_hub_cache_are_followed(tmp_path: Path) -> None:
    snapshot, blobs = tmp_path / "models--a--b" / "snapshots" / "0123", tmp_path / "models--a--b" / "blobs"
    snapshot.parent.mkdir(parents=True)
    copy(QWEN2, snapshot)
    blobs.mkdir()
    (snapshot / WEIGHTS).rename(blobs / "ff")
    (snapshot / WEIGHTS).symlink_to("../../blobs/ff")
    load_model(snapshot)


def test_weights_that_are_no_regular_file(model: Path) -> None:
    (model / WEIGHTS).unlink()
    (model / WEIGHTS).mkdir()
    with pytest.raises(CheckpointError, match="is not a file"):
        load_model(model)


@pytest.mark.parametrize("content", ["[]", "{}", '{"weight_map": []}', '{"weight_map": {}}', "{", "[" * 100_000])
def test_an_index_that_is_none(content: str, model: Path) -> None:
    (model / f"{WEIGHTS}.index.json").write_text(content, "utf-8")
    with pytest.raises(CheckpointError, match=r"index\.json"):
        load_model(model)


def test_a_missing_tensor(model: Path) -> None:
    edit_tensors(model, lambda tensors: {name: t for name, t in tensors.items() if name != "mlp1.1.bias"})
    with pytest.raises(CheckpointError, match=r"1 tensors are missing, first 'mlp1\.1\.bias'"):
        load_model(model)


def test_an_extra_tensor(model: Path) -> None:
    edit_tensors(model, lambda tensors: tensors | {"language_model.model.layers.3.mlp.up_proj.weight": torch.zeros(2, 2)})
    with pytest.raises(CheckpointError, match=r"not part of the model .* first 'language_model\.model\.layers\.3"):
        load_model(model)


def test_buffers_of_old_releases_are_no_fault(model: Path) -> None:
    name = "language_model.model.layers.0.self_attn.rotary_emb.inv_freq"
    edit_tensors(model, lambda tensors: tensors | {name: torch.zeros(6)})
    load_model(model)


def test_a_wrong_shape(tmp_path: Path) -> None:
    for source, name in ((QWEN2, "mlp1.1.weight"), (INTERNLM2, "language_model.model.layers.1.attention.wqkv.weight")):
        folder = copy(source, tmp_path / source.name)
        edit_tensors(folder, lambda tensors, name=name: tensors | {name: tensors[name][:-1]})
        with pytest.raises(CheckpointError, match=r"has the shape .* but config.json describes") as caught:
            load_model(folder)
        assert name in str(caught.value)


def test_types_that_are_no_weights(model: Path) -> None:
    edit_tensors(model, lambda tensors: tensors | {"mlp1.1.bias": tensors["mlp1.1.bias"].to(torch.int32)})
    with pytest.raises(CheckpointError, match=r"'mlp1\.1\.bias' is stored as I32"):
        load_model(model)


def test_opening_reads_no_weights(model: Path) -> None:
    """A sparse file of 40 GB with a proper header opens at once: only headers are read."""
    header = {"a": {"dtype": "BF16", "shape": [20_000, 1_000_000], "data_offsets": [0, 40_000_000_000]}}
    raw_file(model / WEIGHTS, header)
    with (model / WEIGHTS).open("r+b") as file:
        file.truncate((model / WEIGHTS).stat().st_size + 40_000_000_000)
    with pytest.raises(CheckpointError, match="tensors are missing"):
        Checkpoint(model)
