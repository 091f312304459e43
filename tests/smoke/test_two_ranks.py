"""Two processes on one machine (gloo): DDP is the single process, FSDP2 is DDP, and a killed run goes on as if it had not been."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mini_data import write_data
from pair_data import write_pairs
from two_rank_job import STEPS, config, dual_config

from internvl.checkpoint.dual import load_dual_model
from internvl.checkpoint.load import load_model
from internvl.errors import ConfigError
from internvl.train.config import TrainConfig
from internvl.train.journal import read_journal
from internvl.train.run_state import last_checkpoint, read_facts
from internvl.train.trainer import Trainer

JOB = Path(__file__).parent / "two_rank_job.py"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Runs all of the job's trainings; gives the folder of runs and the data file."""
    folder = tmp_path_factory.mktemp("two_ranks")
    data = write_data(folder / "data", pictures=16, texts=16)
    broken = write_data(folder / "broken", pictures=12, texts=4, broken=tuple(range(0, 16, 2)))
    worse = write_data(folder / "worse", pictures=8, texts=8, worse=True)
    captions = write_pairs(folder / "captions")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(JOB)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*command, str(folder / "runs"), str(data), str(broken), str(worse), str(captions)],
        capture_output=True,
        text=True,
        timeout=500,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return folder / "runs", data


def losses(run: Path) -> list[float]:
    return [line["loss"] for line in read_journal(run / "log.jsonl") if "loss" in line]


def weights(run: Path) -> bytes:
    return (run / "model" / "model.safetensors").read_bytes()


def test_ddp_has_the_losses_of_one_process(folders: tuple[Path, Path], tmp_path: Path) -> None:
    runs, data = folders
    alone: TrainConfig = replace(config(tmp_path, data, "alone", packing=False), rows_per_forward=2)
    Trainer(alone, quiet=True).run()
    assert len(losses(alone.out)) == STEPS
    assert losses(runs / "ddp") == pytest.approx(losses(alone.out), rel=1e-5)


def test_a_picture_is_compared_with_the_texts_of_all_ranks(folders: tuple[Path, Path], tmp_path: Path) -> None:
    runs, data = folders
    captions = data.parents[1] / "captions" / "pairs.jsonl"
    for name, masking in (("contrastive", 0.0), ("masked", 0.5)):
        alone = dual_config(tmp_path, captions, f"alone_{name}", "contrastive", rows_per_forward=4, patch_masking=masking)
        Trainer(alone, quiet=True).run()
        assert losses(runs / f"{name}_ddp") == pytest.approx(losses(alone.out), rel=1e-5)


@pytest.mark.parametrize("kind", ["contrastive", "generative", "retrieval"])
def test_shards_of_dual_encoders_are_whole_ones(folders: tuple[Path, Path], kind: str) -> None:
    runs, _ = folders
    assert losses(runs / f"{kind}_fsdp") == pytest.approx(losses(runs / f"{kind}_ddp"), rel=1e-5)
    sharded, whole = (load_dual_model(runs / f"{kind}_{name}" / "model") for name in ("fsdp", "ddp"))
    for (name, a), (_, b) in zip(sharded.named_parameters(), whole.named_parameters(), strict=True):
        if name.endswith("pool.k.bias"):
            continue  # the same for all keys, so softmax takes it away: its gradient is rounding, which AdamW makes as large as any
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize("kind", ["", "packed_", "lora_", "pairs_"])
def test_fsdp_has_the_losses_and_weights_of_ddp(folders: tuple[Path, Path], kind: str) -> None:
    runs, _ = folders
    assert losses(runs / f"{kind}fsdp") == pytest.approx(losses(runs / f"{kind}ddp"), rel=1e-5)
    sharded, whole = (load_model(runs / f"{kind}{name}" / "model") for name in ("fsdp", "ddp"))
    for (name, a), (_, b) in zip(sharded.named_parameters(), whole.named_parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
def test_a_killed_run_goes_on_bit_for_bit(folders: tuple[Path, Path], kind: str) -> None:
    runs, _ = folders
    assert losses(runs / f"packed_{kind}_cut") == losses(runs / f"packed_{kind}")
    assert weights(runs / f"packed_{kind}_cut") == weights(runs / f"packed_{kind}")


@pytest.mark.parametrize("name", ["packed_fsdp_to_ddp", "packed_ddp_to_fsdp"])
def test_a_checkpoint_of_shards_is_one_of_whole_tensors_too(folders: tuple[Path, Path], name: str) -> None:
    runs, _ = folders
    assert losses(runs / name) == pytest.approx(losses(runs / "packed_ddp"), rel=1e-5)


def test_one_process_goes_on_from_shards_if_it_may(folders: tuple[Path, Path], tmp_path: Path) -> None:
    runs, data = folders
    shutil.copytree(runs / "packed_fsdp", tmp_path / "copy")
    settings = replace(config(tmp_path, data, "copy", packing=True), steps=STEPS + 1)
    with pytest.raises(ConfigError, match="learning rates of the 4 that are done"):
        Trainer(settings, quiet=True).run()
    with pytest.raises(ConfigError, match="saved by 2 processes, now there are 1"):
        Trainer(settings, allow=["steps"], quiet=True).run()
    result = Trainer(settings, allow=["steps", "world"], quiet=True).run()
    assert result.step == STEPS + 1
    assert result.loss is not None
    assert result.loss < losses(runs / "packed_fsdp")[0]


def test_a_signal_to_one_rank_ends_both_and_both_go_on(folders: tuple[Path, Path]) -> None:
    runs, _ = folders
    assert losses(runs / "signal") == losses(runs / "packed_fsdp")
    assert weights(runs / "signal") == weights(runs / "packed_fsdp")


def test_adapters_are_their_own_reference_on_shards(folders: tuple[Path, Path]) -> None:
    runs, _ = folders
    lines = read_journal(runs / "adapted_pairs_fsdp" / "log.jsonl")
    assert lines[0]["margin"] == pytest.approx(0.0, abs=1e-6)  # before the first step, model and reference are one
    assert abs(lines[2]["margin"]) > 1e-6


def test_records_that_one_rank_drops_hold_nobody_up(folders: tuple[Path, Path]) -> None:
    runs, _ = folders
    assert len(losses(runs / "broken")) == 2
    assert list((runs / "broken").glob("dropped*.jsonl"))


def test_bf16_shards_with_checkpointing_learn(folders: tuple[Path, Path]) -> None:
    runs, _ = folders
    found = losses(runs / "bf16_fsdp")
    assert found[-1] < found[0]
    checkpoint = last_checkpoint(runs / "bf16_fsdp" / "checkpoints")
    assert checkpoint is not None
    assert read_facts(checkpoint)["world"] == 2


def test_adapters_are_saved_from_shards(folders: tuple[Path, Path]) -> None:
    runs, _ = folders
    assert (runs / "lora_fsdp" / "adapter" / "adapter_model.safetensors").is_file()
