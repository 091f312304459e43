"""From a run to a checkpoint folder in the original layout: `python -m recipes.nano.export --run runs/nano --to FOLDER`.

The reading head is dropped, weights are stored as float16: half the size of float32, and three more bits of precision than bfloat16,
which a small model feels. A CPU computes with them in float32.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from recipes.nano.model.checkpoint import load_run
from recipes.nano.model_config import nano_config
from recipes.nano.train import CHECKPOINT
from recipes.nano.vocabulary import CONTROL_TOKENS, TURN_END, placeholder_id, vocabulary_size, write_tokenizer

from internvl.checkpoint.load import save_model
from internvl.models.build import build_model
from internvl.models.config import InternVLConfig
from internvl.models.internvl import InternVL

SHARD_BYTES = 14_000_000


def export(model: InternVL, folder: Path) -> None:
    """Write config.json, generation_config.json, tokenizer files and float16 safetensors into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_model(model.half(), folder, placeholder_id=placeholder_id(), max_shard_bytes=SHARD_BYTES)
    write_tokenizer(folder)
    stop = vocabulary_size() - len(CONTROL_TOKENS) + CONTROL_TOKENS.index(TURN_END)
    generation = {"do_sample": False, "eos_token_id": stop, "max_new_tokens": 128}
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=1) + "\n", encoding="utf-8")


def model_of_run(run: Path, config: InternVLConfig | None = None) -> InternVL:
    """The model of a run's last checkpoint."""
    state = load_run(run / CHECKPOINT)
    if state is None:
        raise SystemExit(f"{run} holds no {CHECKPOINT}; train first: python -m recipes.nano.train --out {run}")
    model = build_model(config or nano_config())
    model.load_state_dict(state["model"])
    return model


def main() -> None:
    """Parse, export, say how large it is."""
    parser = argparse.ArgumentParser(description="Write a training run as an InternVL checkpoint.")
    parser.add_argument("--run", type=Path, default=Path("runs/nano"))
    parser.add_argument("--to", type=Path, default=Path("src/internvl/weights/internvl-nano"))
    options = parser.parse_args()
    with torch.no_grad():
        export(model_of_run(options.run), options.to)
    megabytes = sum(file.stat().st_size for file in options.to.iterdir()) / 1e6
    print(f"{options.to}: {megabytes:.1f} MB")


if __name__ == "__main__":
    main()
