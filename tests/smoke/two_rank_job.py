"""What two ranks are made to do, started by torchrun: python -m torch.distributed.run --nproc-per-node 2 two_rank_job.py FOLDER DATA
BROKEN_DATA PREFERENCES CAPTIONS.

One process group serves all runs. Each run leaves its log, checkpoints and model in a folder of its own under FOLDER, for the test
to compare.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import distributed as dist

from internvl.data.config import DataConfig
from internvl.train.callbacks import Callback
from internvl.train.config import LoraConfig, OptimConfig, TrainConfig
from internvl.train.meters import StepRecord
from internvl.train.trainer import Trainer

MODEL = Path(__file__).parents[1] / "parity" / "fixtures" / "internvl2-qwen2"
DUAL = MODEL.with_name("internvl-14b")
ALL = frozenset({"vision_encoder", "projector", "language_model"})
STEPS, CUT = 4, 2


class Killed(Exception):
    """The end of a run that nothing announced."""


class KillAfter(Callback):
    def __init__(self, step: int) -> None:
        self.last = step

    def on_step(self, record: StepRecord) -> None:
        if record.step > self.last:
            raise Killed


class SignalOneRank(Callback):
    def on_step(self, record: StepRecord) -> None:
        if record.step == CUT and dist.get_rank() == 1:
            os.kill(os.getpid(), signal.SIGTERM)


def config(folder: Path, data: Path, name: str, *, packing: bool, **changes: object) -> TrainConfig:
    data_config = DataConfig(
        manifest=data, max_tokens=160, pack_tokens=160, pack_tiles=8, packing=packing, workers=0, pack_buffer=3, held_back=0.1
    )
    plain = TrainConfig(
        model=str(MODEL), out=folder / name, data=data_config, batch_size=4, steps=STEPS, precision="fp32", save_every=CUT,
        train_parts=ALL, optim=OptimConfig(lr=2e-3, warmup=0.0, ema=0.5),
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def dual_config(folder: Path, data: Path, name: str, kind: str, **changes: object) -> TrainConfig:
    """A dual encoder's run of 4 pairs a step."""
    plain = TrainConfig(
        model=str(DUAL), out=folder / name, data=DataConfig(manifest=data, max_tokens=24, packing=False, workers=0), batch_size=4,
        rows_per_forward=2, steps=STEPS, precision="fp32", save_every=CUT, train_parts=ALL, optim=OptimConfig(lr=1e-3, warmup=0.0),
        objective=kind,  # type: ignore[arg-type]
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def run(settings: TrainConfig) -> None:
    Trainer(settings, quiet=True).run()


def run_in_two(settings: TrainConfig, **changes: object) -> None:
    """Killed in the step after the checkpoint, then started again, perhaps otherwise."""
    try:
        Trainer(settings, callbacks=[KillAfter(CUT)], quiet=True).run()
    except Killed:
        run(replace(settings, **changes))  # type: ignore[arg-type]
    else:
        raise AssertionError("the run was to be killed")


def run_until_signal(settings: TrainConfig) -> None:
    """One rank alone is asked to end; both stop after the step and save, and go on when started again."""
    result = Trainer(settings, callbacks=[SignalOneRank()], quiet=True).run()
    if (result.step, bool(result.stopped_by), result.model) != (CUT, True, None):
        raise AssertionError(f"rank {dist.get_rank()} did not stop with the other: {result}")
    run(settings)


def main(folder: Path, data: Path, broken: Path, worse: Path, captions: Path) -> None:
    run(config(folder, data, "ddp", packing=False, parallel="ddp"))
    run(config(folder, data, "fsdp", packing=False, parallel="fsdp"))
    run(config(folder, data, "packed_ddp", packing=True, parallel="ddp"))
    run_in_two(config(folder, data, "packed_ddp_cut", packing=True, parallel="ddp"))
    run(config(folder, data, "packed_fsdp", packing=True, parallel="fsdp"))
    run_in_two(config(folder, data, "packed_fsdp_cut", packing=True, parallel="fsdp"))
    run_in_two(config(folder, data, "packed_fsdp_to_ddp", packing=True, parallel="fsdp"), parallel="ddp")
    run_in_two(config(folder, data, "packed_ddp_to_fsdp", packing=True, parallel="ddp"), parallel="fsdp")
    lora = {"train_parts": frozenset({"projector"}), "lora": LoraConfig(language_rank=2, vision_rank=2, dropout=0.0)}
    run(config(folder, data, "lora_ddp", packing=True, parallel="ddp", **lora))
    run(config(folder, data, "lora_fsdp", packing=True, parallel="fsdp", **lora))
    pairs = {"objective": "preference", "steps": 3}
    run(config(folder, worse, "pairs_ddp", packing=True, parallel="ddp", **pairs))
    run(config(folder, worse, "pairs_fsdp", packing=True, parallel="fsdp", **pairs))
    only_language = {"train_parts": frozenset(), "lora": LoraConfig(language_rank=2, dropout=0.0)}
    run(config(folder, worse, "adapted_pairs_fsdp", packing=False, parallel="fsdp", **pairs, **only_language))
    run_until_signal(config(folder, data, "signal", packing=True, parallel="fsdp", save_every=0))
    run(config(folder, data, "bf16_fsdp", packing=True, parallel="fsdp", precision="bf16", checkpoint_activations=True))
    run(config(folder, broken, "broken", packing=True, parallel="fsdp", steps=2))
    for kind in ("contrastive", "generative", "retrieval"):
        run(dual_config(folder, captions, f"{kind}_ddp", kind, parallel="ddp"))
        run(dual_config(folder, captions, f"{kind}_fsdp", kind, parallel="fsdp"))
    run(dual_config(folder, captions, "masked_ddp", "contrastive", parallel="ddp", patch_masking=0.5))


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    if dist.get_rank() == 0:
        shutil.rmtree(sys.argv[1], ignore_errors=True)
    dist.barrier()
    main(*(Path(each) for each in sys.argv[1:]))
    dist.destroy_process_group()
