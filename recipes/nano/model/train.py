"""The stages of internvl-nano after reading: `python -m recipes.nano.model.train align --data META --out runs/nano`.

    read (vision encoder alone, recipes/nano/model/read.py)
      -> align     projector and language model learn to say what the encoder sees; encoder frozen
      -> pretrain  everything learns to read lines, pages, receipts, charts, ...
      -> instruct  everything, on what users ask for

Each stage is an ordinary run of `internvl.train`: killed at any moment it goes on when started again, on a CPU or on GPUs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from recipes.nano.model.checkpoint import load_run
from recipes.nano.model.read import CHECKPOINT
from recipes.nano.model.sizes import MAX_TILES, nano_config
from recipes.nano.model.start import name_by_glyphs, starting_model
from recipes.nano.model.vocabulary import character_ids, control_id, vocabulary_size, write_tokenizer
from recipes.nano.vocabulary import END_OF_TEXT, TURN_END

from internvl.checkpoint.load import save_model
from internvl.data.config import DataConfig
from internvl.train.config import OptimConfig, TrainConfig
from internvl.train.trainer import Trainer

ON_GPU = torch.cuda.is_available()


def write_start(read: Path, folder: Path, *, seed: int = 1) -> None:
    """An untrained model with the encoder of a reading run, as a checkpoint folder in float32."""
    saved = load_run(read / CHECKPOINT)
    if saved is None:
        raise SystemExit(f"{read} holds no {CHECKPOINT}; first: python -m recipes.nano.model.read --out {read}")
    config = nano_config(vocabulary=vocabulary_size(), width=saved["width"], vision_layers=saved["layers"])
    model = starting_model(config, seed=seed)
    model.vision_encoder.load_state_dict(saved["encoder"])
    name_by_glyphs(model.language_model, saved["head"]["vectors"], character_ids())
    folder.mkdir(parents=True, exist_ok=True)
    save_model(model, folder, placeholder_id=control_id("<IMG_CONTEXT>"), token_ids=_token_ids())
    write_tokenizer(folder)
    write_generation_config(folder)


def write_generation_config(folder: Path) -> None:
    """How answers are written unless asked otherwise."""
    values = {"do_sample": False, "eos_token_id": control_id(TURN_END), "max_new_tokens": 512}
    (folder / "generation_config.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def align(model: Path, data: Path, out: Path) -> TrainConfig:
    """Projector and language model, on short texts of one or two tiles."""
    return TrainConfig(
        model=str(model),
        out=out,
        train_parts=frozenset({"projector", "language_model"}),
        data=_data(data, tokens=1024, tiles=12),
        optim=_optim(1e-3, 0.01),
        batch_size=64 if ON_GPU else 6,
        rows_per_forward=8 if ON_GPU else 1,
        steps=2000,
        precision="bf16" if ON_GPU else "fp32",
        save_every=100,
        log_every=10,
    )


def pretrain(model: Path, data: Path, out: Path) -> TrainConfig:
    """Everything, on reading of every kind."""
    base = align(model, data, out)
    return replace(
        base,
        train_parts=frozenset({"vision_encoder", "projector", "language_model"}),
        data=_data(data, tokens=2048, tiles=20),
        optim=replace(base.optim, lr=6e-4, matrix_lr=0.006, lr_scales={"vision_encoder": 0.5}),
    )


def instruct(model: Path, data: Path, out: Path) -> TrainConfig:
    """Everything, at a lower rate that falls to zero."""
    base = pretrain(model, data, out)
    return replace(base, optim=replace(base.optim, lr=3e-4, matrix_lr=0.003))


STAGES: dict[str, Callable[[Path, Path, Path], TrainConfig]] = {"align": align, "pretrain": pretrain, "instruct": instruct}


def _data(manifest: Path, *, tokens: int, tiles: int) -> DataConfig:
    return DataConfig(manifest=manifest, max_tokens=tokens, max_tiles=MAX_TILES, pack_tokens=tokens, pack_tiles=tiles, workers=1)


def _optim(rate: float, matrix_rate: float) -> OptimConfig:
    # The rate stays up and falls at the end: a run whose `steps` are raised goes on as if they had always been more.
    return OptimConfig(
        lr=rate, matrix_lr=matrix_rate, betas=(0.9, 0.98), weight_decay=0.02, schedule="wsd", warmup=50, decay=0.25, ema=0.0
    )


def _token_ids() -> dict[str, int]:
    return {"eos_token_id": control_id(TURN_END), "pad_token_id": control_id(END_OF_TEXT)}


def main() -> None:
    """Parse, train a stage, say where the model is."""
    parser = argparse.ArgumentParser(description="Train a stage of internvl-nano.")
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument(
        "--data", type=Path, required=True, help="meta.json of shards made by recipes.nano.data.make, or one that joins several"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/nano"))
    parser.add_argument("--model", type=Path, help="the checkpoint to begin with (for align: made from --read)")
    parser.add_argument("--read", type=Path, default=Path("runs/nano-read"), help="a run of recipes.nano.model.read")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    model = options.model or options.out / "start"
    if options.model is None and not (model / "config.json").is_file():
        write_start(options.read, model)
    config = STAGES[options.stage](model, options.data, options.out / options.stage)
    changed = {"steps": options.steps, "batch_size": options.batch_size}
    Trainer(replace(config, **{name: value for name, value in changed.items() if value}), allow=("steps",)).run()
    print(f"now: --model {options.out / options.stage / 'model'}")


if __name__ == "__main__":
    main()
