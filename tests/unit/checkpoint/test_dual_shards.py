"""A dual encoder in 18 shards with an index, as it was released: equal to the whole one, read with little memory beside the model."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from internvl.checkpoint.dual import HEAD, dual_keymap, load_dual_model, save_dual_model, write_dual_config
from internvl.checkpoint.shard_writer import specs_of, write_shards
from internvl.errors import CheckpointError
from internvl.models.config import LanguageConfig, VisionConfig
from internvl.models.contrastive.config import DualConfig
from internvl.models.contrastive.dual import DualModel

FOLDER = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl-14b"
SHARDS = 18
MEGABYTE = 1 << 20

PEAK = """
import gc, sys
from pathlib import Path
import torch
from internvl.checkpoint.dual import load_dual_model
small, folder = Path(sys.argv[1]), Path(sys.argv[2])
torch.set_num_threads(1)
def status(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1])
def peak(dtype):
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    model = load_dual_model(folder, dtype=dtype)
    return (status("VmHWM") - before) * 1024
load_dual_model(small)  # what is imported on the way is not counted
print(peak(None), peak(torch.float32))
"""


def in_shards(folder: Path) -> list[str]:
    """Names of the shards once a folder was written anew with a limit that makes 18."""
    return sorted(path.name for path in folder.glob("model-*-of-*.safetensors"))


def test_eighteen_shards_are_the_model(tmp_path: Path) -> None:
    model = load_dual_model(FOLDER)
    specs = specs_of(dual_keymap(model.config), dict(model.named_parameters()), torch.float32)
    sizes = [spec.bytes for spec in specs.values()] + [specs[HEAD].bytes]  # tied: the embedding is stored once more
    save_dual_model(model, tmp_path, max_shard_bytes=limit_for(sizes))
    assert len(in_shards(tmp_path)) == SHARDS
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text("utf-8"))
    assert len(set(index["weight_map"].values())) == SHARDS
    again = load_dual_model(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    (tmp_path / in_shards(tmp_path)[7]).unlink()
    with pytest.raises(CheckpointError, match=r"shard .* is missing"):
        load_dual_model(tmp_path)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, int]:
    """A folder of 18 shards, about 250 MB in bfloat16; its bytes, and those of its largest shard."""
    vision = VisionConfig(hidden_size=768, intermediate_size=3072, num_layers=6, num_heads=6, image_size=224)
    language = LanguageConfig(
        family="llama", vocab_size=6000, hidden_size=1024, intermediate_size=2816, num_layers=4, num_heads=8, num_kv_heads=8,
        head_dim=128, max_positions=128, tie_embeddings=True,
    )  # fmt: skip
    config = DualConfig(vision=vision, language=language, embed_dim=256)
    with torch.device("meta"):
        parameters = dict(DualModel(config).named_parameters())
    specs = specs_of(dual_keymap(config), parameters, torch.bfloat16)
    folder = tmp_path_factory.mktemp("large")
    (folder / "config.json").write_text(json.dumps(write_dual_config(config, dtype="bfloat16")))
    total = sum(spec.bytes for spec in specs.values())
    limit = limit_for([spec.bytes for spec in specs.values()])
    write_shards(
        folder, ((name, torch.ones(spec.shape, dtype=spec.dtype)) for name, spec in specs.items()), specs, max_shard_bytes=limit
    )
    assert len(in_shards(folder)) == SHARDS
    return folder, total, max(path.stat().st_size for path in folder.glob("*.safetensors"))


def limit_for(sizes: list[int]) -> int:
    """The largest size of a shard with which there are 18 of them."""
    return next(limit for limit in range(sum(sizes), 0, -512) if planned(sizes, limit) == SHARDS)


def planned(sizes: list[int], limit: int) -> int:
    """How many shards a limit makes."""
    count, filled = 0, math.inf
    for size in sizes:
        if filled + size > limit:
            count, filled = count + 1, 0
        filled += size
    return count


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from /proc")
def test_memory_peaks_at_the_model_and_two_shards(large: tuple[Path, int, int]) -> None:
    folder, total, shard = large
    assert total > 200 * MEGABYTE
    command = [sys.executable, "-c", PEAK, str(FOLDER), str(folder)]
    stored, widened = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    over = {"as stored": (stored - total) / MEGABYTE, "as float32": (widened - 2 * total) / MEGABYTE}
    assert max(over.values()) < 32 + 2 * shard / MEGABYTE, over
