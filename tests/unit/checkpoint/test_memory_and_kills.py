"""Reading and converting need one shard beside the model, and a process that dies leaves nothing that looks whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_checkpoints import INTERNLM2, QWEN2, copy

from internvl.checkpoint.checkpoint import Checkpoint, read_config
from internvl.checkpoint.convert import convert
from internvl.checkpoint.fields import read_json
from internvl.checkpoint.keymap import keymap
from internvl.checkpoint.load import config_values, load_model, save_model
from internvl.checkpoint.shard_writer import TensorSpec, write_shards, write_text
from internvl.errors import CheckpointError, ConfigError
from internvl.models.build import meta_model

MEGABYTE = 1 << 20
SHARD = 90 * MEGABYTE

PEAK = """
import gc, sys
from pathlib import Path
import torch
from internvl.checkpoint.convert import convert
from internvl.checkpoint.load import load_model
small, source, target, shard = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(1)
def status(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1])
def peak(job):
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    kept = job()
    return (status("VmHWM") - before) * 1024
convert(small, target / "small", layout="native")  # what is imported on the way is not counted
load_model(small, dtype=torch.bfloat16)
print(peak(lambda: convert(source, target / "native", layout="native", max_shard_bytes=shard)))
print(peak(lambda: convert(source, target / "original", layout="original", max_shard_bytes=shard)))
print(peak(lambda: load_model(source)))
print(peak(lambda: load_model(source, dtype=torch.float32)))
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A checkpoint of about 300 MB in bfloat16, and its bytes."""
    folder = copy(QWEN2, tmp_path_factory.mktemp("large") / "model")
    raw = read_json(folder / "config.json")
    raw["llm_config"] |= {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 7, "vocab_size": 20_000}
    config = read_config(raw, "config.json")
    shapes = {name: tuple(p.shape) for name, p in meta_model(config).named_parameters()}
    specs = {
        name: TensorSpec(shape, torch.bfloat16)
        for entry in keymap(config, "original")
        for name, shape in zip(entry.stored, entry.stored_shapes(shapes[entry.ours]), strict=True)
    }
    (folder / "model.safetensors").unlink()
    values = config_values(config, layout="original", dtype=torch.bfloat16, placeholder_id=0, token_ids={})
    write_text(folder / "config.json", json.dumps(values))
    tensors = ((name, torch.ones(spec.shape, dtype=spec.dtype)) for name, spec in specs.items())
    write_shards(folder, tensors, specs, max_shard_bytes=SHARD)
    return folder, sum(spec.bytes for spec in specs.values())


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from /proc")
def test_memory_peaks_at_the_model_and_one_shard(large: tuple[Path, int], tmp_path: Path) -> None:
    folder, model_bytes = large
    assert model_bytes > 280 * MEGABYTE
    command = [sys.executable, "-c", PEAK, str(QWEN2), str(folder), str(tmp_path), str(SHARD)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    models = {"native": 0, "original": 0, "load": 1, "load-float32": 2}
    found = dict(zip(models, map(int, output.split()), strict=True))
    over = {what: (found[what] - models[what] * model_bytes) / MEGABYTE for what in models}
    assert max(over.values()) < SHARD / MEGABYTE, over


KILLED = """
import sys
from pathlib import Path
from internvl.checkpoint.convert import convert
def slow(done, total):
    if done == total // 2:
        print("half", flush=True)
        sys.stdin.read()
convert(Path(sys.argv[1]), Path(sys.argv[2]), layout="native", max_shard_bytes=100_000, progress=slow)
"""


def test_a_killed_conversion_leaves_no_target_and_can_be_repeated(tmp_path: Path) -> None:
    target = tmp_path / "native"
    command = [sys.executable, "-c", KILLED, str(INTERNLM2), str(target)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [path.name for path in tmp_path.iterdir()] == ["native.partial"]
    with pytest.raises(CheckpointError):
        Checkpoint(tmp_path / "native.partial")
    convert(INTERNLM2, target, layout="native", max_shard_bytes=100_000)
    assert [path.name for path in tmp_path.iterdir()] == ["native"]
    assert not list(target.glob("*.tmp"))
    load_model(target)


def test_a_failed_conversion_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(QWEN2, tmp_path / "target", layout="native", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_only_an_empty_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    convert(QWEN2, tmp_path / "empty", layout="native")
    load_model(tmp_path / "empty")
    (tmp_path / "file").write_text("mine", "utf-8")
    for target in (tmp_path / "empty", tmp_path / "file"):
        with pytest.raises(CheckpointError, match="not an empty folder"):
            convert(QWEN2, target, layout="original")
    assert (tmp_path / "file").read_text("utf-8") == "mine"


def test_progress_counts_to_the_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    convert(QWEN2, tmp_path / "target", layout="native", progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(1, seen[-1][1] + 1))


def interrupted(specs: dict[str, TensorSpec], after: int) -> Iterator[tuple[str, torch.Tensor]]:
    for index, (name, spec) in enumerate(specs.items()):
        if index == after:
            raise KeyboardInterrupt
        yield name, torch.full(spec.shape, 2.0)


@pytest.mark.parametrize("shard_bytes", [40, 10_000], ids=["sharded", "single"])
def test_an_interrupted_save_over_another_never_mixes_them(shard_bytes: int, tmp_path: Path) -> None:
    from internvl.checkpoint.shards import ShardReader

    specs = {name: TensorSpec((10,), torch.float32) for name in "abcd"}
    write_shards(tmp_path, ((name, torch.ones(10)) for name in specs), specs, max_shard_bytes=shard_bytes)
    with pytest.raises(KeyboardInterrupt):
        write_shards(tmp_path, interrupted(specs, 2), specs, max_shard_bytes=shard_bytes)
    if shard_bytes == 10_000:  # the one from before
        assert ShardReader(tmp_path).tensor("a").tolist() == [1.0] * 10
    else:
        with pytest.raises(CheckpointError, match="no weights found"):
            ShardReader(tmp_path)


def test_a_save_replaces_shards_of_another_size(tmp_path: Path) -> None:
    from internvl.checkpoint.shards import ShardReader

    specs = {name: TensorSpec((10,), torch.float32) for name in "abcd"}
    for value, shard_bytes, files in ((1.0, 40, 5), (2.0, 10_000, 1), (3.0, 80, 3), (4.0, 40, 5)):
        tensors = ((name, torch.full((10,), value)) for name in specs)
        write_shards(tmp_path, tensors, specs, max_shard_bytes=shard_bytes)
        assert len(list(tmp_path.iterdir())) == files
        assert {float(ShardReader(tmp_path).tensor(name)[0]) for name in specs} == {value}


def test_mixed_types_are_aligned_and_read_back(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    tensors = {
        "a": torch.arange(3).bfloat16(), "b": torch.arange(5, dtype=torch.float32), "c": torch.tensor(7.0, dtype=torch.float64),
        "d": torch.zeros(0, 4), "e": torch.arange(6.0).reshape(2, 3).T,
    }  # fmt: skip
    specs = {name: TensorSpec(tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}
    write_shards(tmp_path, iter(tensors.items()), specs, max_shard_bytes=10_000)
    found = load_file(tmp_path / "model.safetensors")
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) and found[name].dtype == tensors[name].dtype for name in tensors)


def test_a_tensor_that_is_not_as_planned_is_refused(tmp_path: Path) -> None:
    specs = {"a": TensorSpec((2,), torch.float32)}
    for name, tensor in (("b", torch.ones(2)), ("a", torch.ones(3)), ("a", torch.ones(2).half())):
        with pytest.raises(CheckpointError, match="as planned"):
            write_shards(tmp_path, iter([(name, tensor)]), specs, max_shard_bytes=100)
    with pytest.raises(ConfigError, match="max_shard_bytes"):
        write_shards(tmp_path, iter([]), specs, max_shard_bytes=0)


@pytest.mark.parametrize("layout", ["original", "native"])
def test_a_saved_model_loads_equal(layout: str, tmp_path: Path) -> None:
    model = load_model(INTERNLM2, dtype=torch.bfloat16)
    save_model(model, tmp_path, layout=layout, placeholder_id=5, max_shard_bytes=100_000)
    again = load_model(tmp_path)
    assert again.config == model.config
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_a_native_save_needs_the_placeholder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="placeholder_id"):
        save_model(load_model(QWEN2), tmp_path, layout="native")
    assert list(tmp_path.iterdir()) == []


def test_weights_of_two_types_load_as_one(tmp_path: Path) -> None:
    from tiny_checkpoints import edit_tensors

    folder = edit_tensors(
        copy(QWEN2, tmp_path / "mixed"),
        lambda tensors: {name: t if "norm" in name else t.bfloat16() for name, t in tensors.items()},
    )
    assert {p.dtype for p in load_model(folder).parameters()} == {torch.bfloat16}


def test_the_file_may_be_rewritten_while_a_model_of_it_lives(tmp_path: Path) -> None:
    folder = copy(QWEN2, tmp_path / "model")
    model = load_model(folder)
    before = [p.clone() for p in model.parameters()]
    with torch.no_grad():
        changed = load_model(folder)
        for p in changed.parameters():
            p.add_(1.0)
    save_model(changed, folder)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(before, load_model(folder).parameters(), strict=True))
    assert time.time() - os.stat(folder / "model.safetensors").st_mtime < 60
