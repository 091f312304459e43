"""Train internvl-dual-nano: pictures and captions are drawn, the vocabulary learnt, and the rest is `internvl train`'s trainer.

    names:  the text tower alone, languages brought together
    coarse: pictures of 56 px, 17 tokens, most of the pairs      fine: the same weights with stretched positions, 112 px, 65 tokens

    python -m recipes.dual_nano.train
    python -m recipes.dual_nano.measure --model runs/dual-nano/fine/model

Start it again and it goes on.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from recipes.dual_nano.model import write_start
from recipes.dual_nano.names import learn_names
from recipes.dual_nano.pairs import make

from internvl.data.config import DataConfig
from internvl.train.config import OptimConfig, TrainConfig
from internvl.train.trainer import Trainer

PAIRS = 192
NAME_STEPS = 900


@dataclass(frozen=True)
class Leg:
    """A part of the training. side: of the pictures, in pixels. decay: its last part, over which the rates fall to zero."""

    name: str
    side: int
    steps: int
    lr: float
    matrix_lr: float
    decay: float
    warmup: int


COARSE = Leg("coarse", side=56, steps=2900, lr=1e-3, matrix_lr=0.01, decay=0.1, warmup=100)
FINE = Leg("fine", side=112, steps=260, lr=4e-4, matrix_lr=0.004, decay=0.8, warmup=20)


def run_config(leg: Leg, start: Path, out: Path, data: Path) -> TrainConfig:
    """Stage 1 of the family on one small machine: both towers from nothing, the matrices by Muon."""
    return TrainConfig(
        model=str(start),
        out=out / leg.name,
        image_size=leg.side,
        objective="contrastive",
        train_parts=frozenset({"vision_encoder", "projector", "language_model"}),
        data=DataConfig(manifest=data / "train.jsonl", root=data, max_tokens=24, packing=False, workers=0, held_back=0.002),
        optim=OptimConfig(
            lr=leg.lr, matrix_lr=leg.matrix_lr, weight_decay=0.05, warmup=leg.warmup, schedule="wsd", decay=leg.decay, betas=(0.9, 0.98)
        ),
        batch_size=PAIRS,
        rows_per_forward=PAIRS,
        steps=leg.steps,
        precision="bf16" if torch.cuda.is_available() else "fp32",
        save_every=200,
        eval_every=400,
        log_every=20,
    )


def main() -> None:
    """Parse and train."""
    parser = argparse.ArgumentParser(description="Train internvl-dual-nano.")
    parser.add_argument("--out", type=Path, default=Path("runs/dual-nano"))
    parser.add_argument("--data", type=Path, default=Path("runs/dual-data"))
    parser.add_argument("--name-steps", type=int, default=NAME_STEPS)
    parser.add_argument("--coarse-steps", type=int, default=COARSE.steps)
    parser.add_argument("--fine-steps", type=int, default=FINE.steps)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    coarse, fine = replace(COARSE, steps=options.coarse_steps), replace(FINE, steps=options.fine_steps)
    if not (options.data / "train.jsonl").is_file():
        make(options.data)
    start, middle = options.out / "start", options.out / coarse.name / "model"
    if not (start / "config.json").is_file():
        partial = options.out / "start.partial"
        write_start(partial, side=coarse.side)
        learn_names(partial, steps=options.name_steps)
        partial.rename(start)
    if not (middle / "config.json").is_file():
        print(Trainer(run_config(coarse, start, options.out, options.data)).run())
    print(Trainer(run_config(fine, middle, options.out, options.data)).run())


if __name__ == "__main__":
    main()
