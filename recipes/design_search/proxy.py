"""The proxy task: every shape learns the same pairs in the same order for the same steps, beside the same small text tower.

Variant -> DualConfig -> random weights -> Trainer (contrastive) -> Dual -> held-out pictures x names -> Score
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from recipes.design_search.data import HELD_OUT, TRAIN
from recipes.dual_nano.model import random_model

from internvl import Image
from internvl.checkpoint.convert import CARRIED
from internvl.checkpoint.dual import save_dual_model
from internvl.data.config import DataConfig
from internvl.engine.dual import Dual
from internvl.models.config import LanguageConfig, VisionConfig
from internvl.models.contrastive.config import DualConfig
from internvl.prompt.tokenizer import load_tokenizer
from internvl.train.config import OptimConfig, TrainConfig
from internvl.train.dual_evaluation import recall
from internvl.train.objectives.contrastive import contrast
from internvl.train.trainer import Trainer

TEXT_WIDTH, TEXT_LAYERS, TEXT_HEADS = 128, 2, 4
EMBED, POOL_HEADS = 128, 4
RESULT = "result.json"
KS = (1, 5)


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """How a shape is tried. pairs: of a step. Matrices are stepped by Muon at `matrix_lr`, whose steps don't depend on the width."""

    steps: int = 100
    pairs: int = 64
    lr: float = 1e-3
    matrix_lr: float = 0.01
    max_tokens: int = 32


@dataclass(frozen=True)
class Score:
    """On held-out pictures: symmetric cross entropy among all of them, and recalls in percent of names and of pictures."""

    loss: float
    name_at: dict[int, float]
    picture_at: dict[int, float]

    @property
    def recall(self) -> float:
        """The mean of all recalls."""
        values = [*self.name_at.values(), *self.picture_at.values()]
        return sum(values) / len(values)


@dataclass(frozen=True)
class Trial:
    """Where a shape is tried: root is that of the pictures, lists the folder of the pairs."""

    root: Path
    lists: Path
    tokenizer: Path
    folder: Path


def tried(vision: VisionConfig, proxy: Proxy, trial: Trial, *, seed: int) -> Score:
    """Train and ask, or go on, or read what was found. The random start and the order of the pairs depend on `seed` alone."""
    path = trial.folder / RESULT
    if not path.is_file():
        start, run = trial.folder / "start", trial.folder / "run"
        if not (start / "config.json").is_file():
            _write_start(start, vision, trial.tokenizer, seed)
        result = Trainer(_config(start, run, proxy, trial, seed), quiet=True).run()
        if not result.finished or result.model is None:  # a signal; the next call goes on
            raise KeyboardInterrupt
        _write(path, {"seed": seed, **asdict(_score(result.model, trial))})
        for done in (start, run / "checkpoints"):
            shutil.rmtree(done, ignore_errors=True)
    return _read(path)


def _config(start: Path, run: Path, proxy: Proxy, trial: Trial, seed: int) -> TrainConfig:
    return TrainConfig(
        model=str(start),
        out=run,
        objective="contrastive",
        train_parts=frozenset({"vision_encoder", "projector", "language_model"}),
        data=DataConfig(
            manifest=trial.lists / TRAIN, root=trial.root, max_tokens=proxy.max_tokens, packing=False, workers=0, seed=seed
        ),
        optim=OptimConfig(lr=proxy.lr, matrix_lr=proxy.matrix_lr, weight_decay=0.05, warmup=0.1, betas=(0.9, 0.98)),
        batch_size=proxy.pairs,
        rows_per_forward=proxy.pairs,
        steps=proxy.steps,
        precision="bf16" if torch.cuda.is_available() else "fp32",
        seed=seed,
        save_every=max(50, proxy.steps // 4),
        keep_checkpoints=1,
        log_every=0,
    )


def _write_start(folder: Path, vision: VisionConfig, tokenizer: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in CARRIED:
        if (tokenizer / name).is_file():
            shutil.copyfile(tokenizer / name, folder / name)
    language = LanguageConfig(
        family="llama", vocab_size=load_tokenizer(folder).vocab_size, hidden_size=TEXT_WIDTH, intermediate_size=3 * TEXT_WIDTH,
        num_layers=TEXT_LAYERS, num_heads=TEXT_HEADS, num_kv_heads=TEXT_HEADS, head_dim=TEXT_WIDTH // TEXT_HEADS, max_positions=128,
        tie_embeddings=True,
    )  # fmt: skip
    sizes = DualConfig(vision=vision, language=language, embed_dim=EMBED, pool_heads=POOL_HEADS, queries=0)
    save_dual_model(random_model(sizes, seed=seed), folder)


def _score(model: Path, trial: Trial) -> Score:
    """Equal names all count as right."""
    asked = json.loads((trial.lists / HELD_OUT).read_text("utf-8"))
    dual = Dual.load(model, batch=64)
    images = dual.encode_images([Image(trial.root / row["file"]) for row in asked])
    names = [row["name"] for row in asked]
    texts = dual.encode_texts(names)
    keys = torch.tensor([names.index(name) for name in names])
    loss, _ = contrast(images, texts, dual.model.logit_scale.detach().float().exp().cpu(), keys=keys)
    scores, right = images @ texts.T, keys[:, None] == keys
    at = [{k: round(100 * recall(found, wanted, k), 2) for k in KS} for found, wanted in ((scores, right), (scores.T, right.T))]
    return Score(round(float(loss) / len(names), 4), *at)


def _read(path: Path) -> Score:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    ways = [{int(k): value for k, value in found[way].items()} for way in ("name_at", "picture_at")]
    return Score(found["loss"], *ways)


def _write(path: Path, values: dict[str, Any]) -> None:
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    os.replace(unfinished, path)
