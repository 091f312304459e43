"""Train internvl-dual-nano: pictures and captions are drawn, the vocabulary learnt, and the rest is `internvl train`'s trainer.

    python -m recipes.dual_nano.train --steps 4000
    python -m recipes.dual_nano.measure --model runs/dual-nano/run/model

Start it again and it goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from recipes.dual_nano.model import write_start
from recipes.dual_nano.pairs import make

from internvl.data.config import DataConfig
from internvl.train.config import OptimConfig, TrainConfig
from internvl.train.trainer import Trainer

PAIRS = 128


def run_config(out: Path, data: Path, *, steps: int) -> TrainConfig:
    """Stage 1 of the family on one small machine: both towers from nothing, by Muon."""
    return TrainConfig(
        model=str(out / "start"),
        out=out / "run",
        objective="contrastive",
        train_parts=frozenset({"vision_encoder", "projector", "language_model"}),
        data=DataConfig(manifest=data / "train.jsonl", root=data, max_tokens=48, packing=False, workers=1, held_back=0.002),
        optim=OptimConfig(lr=1e-3, matrix_lr=0.01, weight_decay=0.05, warmup=100, schedule="wsd", decay=0.3, betas=(0.9, 0.98)),
        batch_size=PAIRS,
        rows_per_forward=PAIRS,
        steps=steps,
        precision="bf16" if torch.cuda.is_available() else "fp32",
        save_every=250,
        eval_every=500,
        log_every=20,
    )


def main() -> None:
    """Parse and train."""
    parser = argparse.ArgumentParser(description="Train internvl-dual-nano.")
    parser.add_argument("--out", type=Path, default=Path("runs/dual-nano"))
    parser.add_argument("--data", type=Path, default=Path("runs/dual-data"))
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    if not (options.data / "train.jsonl").is_file():
        make(options.data)
    if not (options.out / "start" / "config.json").is_file():
        write_start(options.out / "start")
    print(Trainer(run_config(options.out, options.data, steps=options.steps)).run())


if __name__ == "__main__":
    main()
