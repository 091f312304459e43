"""First stage of internvl-nano, its vision encoder alone: `python -m recipes.nano.model.read --out runs/nano-read`.

    crowded tiles -> InternViT -> reading head -> cross-entropy on what stands where        rate: warm-up, constant, down to 0

Kill it at any moment and start it again: it goes on from the last checkpoint with the data that come next, because tiles depend on the
seed, the worker and the step only. `--steps` may be raised as long as the rate is still constant. Runs on a CPU or on one GPU.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from recipes.nano.data.sample import Split
from recipes.nano.model.cells import cell_tile
from recipes.nano.model.characters import characters, hanzi
from recipes.nano.model.checkpoint import load_run, save_run
from recipes.nano.model.crowded import SLOTS, Composer, Crowded
from recipes.nano.model.reading import ReadingHead, choose_places
from recipes.nano.model.sizes import PATCH, TILE, nano_config
from recipes.nano.model.start import starting_model
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from internvl.media.pixels import IMAGENET
from internvl.models.attention import flush_denormals
from internvl.models.vision.encoder import VisionEncoder
from internvl.train.config import OptimConfig
from internvl.train.muon import MuonAdamW
from internvl.train.schedule import rate_factor

CHECKPOINT = "run.safetensors"
SEGMENT = 200  # batches that a composer makes before a new one begins: what a continued run has to draw again at most
FIRST_HANZI = 200
# Of the rate, for the convolution of the patches: an even white ground is 588 equal inputs of 2.4, so that a step of 0.001 in each
# weight would move every patch by more than its text does, and all would look alike.
PATCH_SCALE = 0.03
PLACES = (TILE // PATCH) ** 2 * SLOTS
ASCII = sum(character.isascii() for character in characters())  # the classes from 1 to this

Batch: TypeAlias = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Score:
    """Loss, and characters named right among those asked, of ASCII and of hanzi; empty places don't count. Scores add up."""

    loss: float = 0.0
    latin_right: int = 0
    latin: int = 0
    hanzi_right: int = 0
    hanzi: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    def shares(self) -> dict[str, float]:
        """Of each kind the share that is right."""
        return {"latin": round(self.latin_right / max(1, self.latin), 4), "hanzi": round(self.hanzi_right / max(1, self.hanzi), 4)}


@dataclass(frozen=True, kw_only=True)
class ReadConfig:
    """One run. Steps count from 0; the rate falls to zero over the last `decay_steps`."""

    steps: int = 2000
    warmup_steps: int = 30
    decay_steps: int = 400
    tiles: int = 16  # a step
    rate: float = 2e-3
    matrix_rate: float = 0.02
    weight_decay: float = 0.02
    width: int = 256
    layers: int = 6
    workers: int = 1
    threads: int = 0
    compile: bool = False
    seed: int = 1
    save_every_s: float = 120.0
    log_every: int = 20


@dataclass(frozen=True)
class Lesson:
    """How hard tiles are at a step. Without lessons nothing at all is learned for many hundred steps."""

    crowded: float  # share of tiles with running text; the others have single characters in cells
    plain: float  # share of those cells that are black on white
    chinese: float
    common: int  # how many hanzi single characters and texts without meaning are taken from, the most frequent ones
    jitter: float  # px that a character stands off the middle of its cell at most

    @classmethod
    def at(cls, step: int) -> Lesson:
        """Letters in place; then anywhere, on any ground; then lines of text; then hanzi, the most frequent first."""
        return cls(
            crowded=0.9 * _between(step, 800, 1600),
            plain=1 - 0.9 * _between(step, 400, 1000),
            chinese=0.6 * _between(step, 3000, 3600),
            common=round(FIRST_HANZI * (len(hanzi()) / FIRST_HANZI) ** _between(step, 3200, 8000)),
            jitter=2 * _between(step, 100, 400) + 5 * _between(step, 400, 1000),
        )


def _between(step: int, first: int, last: int) -> float:
    """0 up to `first`, 1 from `last` on."""
    return min(1.0, max(0.0, (step - first) / (last - first)))


class Batches(IterableDataset[Batch]):
    """pixels uint8 [T,224,224,3], asked int64 [n] (flat index into T x 256 x 3), their classes int64 [n]; without end."""

    def __init__(self, *, seed: int, tiles: int, first: int, split: Split = "train") -> None:
        self.seed, self.tiles, self.first, self.split = seed, tiles, first, split

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        number, count = (worker.id, worker.num_workers) if worker else (0, 1)
        # Batches are handed out by the workers in turn, so a run that starts at `first` asks each for the same part as before.
        mine = range((self.first - number + count - 1) // count, 1 << 62)
        for segment in range(mine.start // SEGMENT, 1 << 62):
            source = random.Random(f"read-{self.split}-{self.seed}-{number}-{segment}")
            composer, generator = Composer(source, self.split), np.random.default_rng(source.getrandbits(63))
            for place in range(segment * SEGMENT, (segment + 1) * SEGMENT):
                batch = self._batch(composer, generator, place * count)
                if place >= mine.start:
                    yield batch

    def _batch(self, composer: Composer, generator: np.random.Generator, step: int) -> Batch:
        lesson = Lesson.at(step)
        composer.chinese, composer.common = lesson.chinese, lesson.common
        made = [self._tile(composer, lesson) for _ in range(self.tiles)]
        asked = [choose_places(tile.classes, generator) + index * PLACES for index, tile in enumerate(made)]
        classes = np.stack([tile.classes for tile in made]).reshape(-1)
        places = np.concatenate(asked)
        return (
            torch.from_numpy(np.stack([tile.pixels for tile in made])),
            torch.from_numpy(places),
            torch.from_numpy(classes[places]).long(),
        )

    def _tile(self, composer: Composer, lesson: Lesson) -> Crowded:
        source = composer.source
        if source.random() < lesson.crowded:
            while not ((tile := composer.tile()).classes >= 0).any():
                pass  # one large character that is cut off: nothing can be asked
            return tile
        plain = source.random() < lesson.plain
        return cell_tile(source, self.split, chinese=lesson.chinese, common=lesson.common, jitter=lesson.jitter, plain=plain)


class Run:
    """A run in memory: encoder, head, optimiser and the next step."""

    def __init__(self, config: ReadConfig) -> None:
        self.config = config
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        whole = starting_model(nano_config(vocabulary=512, width=config.width, vision_layers=config.layers), seed=config.seed)
        self.encoder = whole.vision_encoder.to(self.device)
        torch.manual_seed(config.seed)
        self.head = ReadingHead(config.width).to(self.device)
        self.optimiser = MuonAdamW(
            _groups(self.encoder, self.head, config), lr=config.rate, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.0
        )
        self._named: Any = torch.compile(self._name) if config.compile else self._name
        self.step = 0

    def train_step(self, batch: Batch) -> Score:
        """One step, and how well it went before it."""
        loss, score = self.losses(batch)
        loss.backward()
        factor = rate_at(self.config, self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * factor
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        return score

    def losses(self, batch: Batch) -> tuple[Tensor, Score]:
        """Cross-entropy over the asked places, and how many were named right."""
        pixels, asked, classes = (part.to(self.device, non_blocking=True) for part in batch)
        on_gpu = self.device.type == "cuda"
        # With short tiles the plain attention is the fastest on a CPU.
        with torch.autocast("cuda", torch.bfloat16, enabled=on_gpu), nullcontext() if on_gpu else sdpa_kernel(SDPBackend.MATH):
            loss, named = self._named(pixels, asked, classes)
        right, ascii_only = named == classes, classes <= ASCII
        latin, hanzi = (classes > 0) & ascii_only, ~ascii_only
        sums = torch.stack([latin & right, latin, hanzi & right, hanzi]).sum(1).tolist()
        return loss, Score(float(loss.detach()), *sums)

    def _name(self, pixels: Tensor, asked: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.head(self.encoder(normalised(pixels))[:, 1:], asked).float()
        return F.cross_entropy(logits, classes), logits.argmax(-1)

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        parts = {"encoder": self.encoder.state_dict(), "head": self.head.state_dict(), "optimiser": self.optimiser.state_dict()}
        return {**parts, "step": self.step, "width": self.config.width, "layers": self.config.layers}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where `state` was taken."""
        self.encoder.load_state_dict(state["encoder"])
        self.head.load_state_dict(state["head"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])


def _groups(encoder: VisionEncoder, head: ReadingHead, config: ReadConfig) -> list[dict[str, Any]]:
    """Matrices of the blocks for Muon, everything else for AdamW: vectors without weight decay, the patches at a rate of their own."""
    parameters = [*encoder.named_parameters(), *head.named_parameters()]
    inner = [p for name, p in parameters if p.dim() == 2 and name.startswith("layers.")]
    chosen = {id(p) for p in inner}
    others = [p for _, p in parameters if id(p) not in chosen]
    decay = config.weight_decay
    return [
        {"params": inner, "matrix": True, "rate": config.matrix_rate, "weight_decay": decay},
        {"params": [p for p in others if p.dim() in (2, 3)], "rate": config.rate, "weight_decay": decay},
        {"params": [p for p in others if p.dim() == 1], "rate": config.rate, "weight_decay": 0.0},
        {"params": [p for p in others if p.dim() == 4], "rate": PATCH_SCALE * config.rate, "weight_decay": decay},
    ]


def normalised(pixels: Tensor) -> Tensor:
    """uint8 [T,H,W,3] -> float32 [T,3,H,W] as the encoder takes it, on the pixels' own device."""
    mean, deviation = (torch.tensor(values, device=pixels.device) for values in (IMAGENET.mean, IMAGENET.std))
    return ((pixels.float() / 255 - mean) / deviation).permute(0, 3, 1, 2)


def rate_at(config: ReadConfig, step: int) -> float:
    """The learning rate's factor: up, 1, and down to 0."""
    return rate_factor(step, config.steps, OptimConfig(schedule="wsd", warmup=config.warmup_steps, decay=config.decay_steps))


@flush_denormals()  # before torch's own threads begin
def train(config: ReadConfig, out: Path) -> VisionEncoder:
    """Train to the last step, from the checkpoint in `out` if there is one, and return the encoder."""
    if config.threads:
        torch.set_num_threads(config.threads)
    out.mkdir(parents=True, exist_ok=True)
    run = Run(config)
    if (saved := load_run(out / CHECKPOINT)) is not None:
        run.restore(saved)
    data = Batches(seed=config.seed, tiles=config.tiles, first=run.step)
    loader = DataLoader(data, batch_size=None, num_workers=config.workers, prefetch_factor=8 if config.workers else None)
    _steps(run, loader, out)
    save_run(out / CHECKPOINT, run.state())
    return run.encoder


def _steps(run: Run, loader: DataLoader[Any], out: Path) -> None:
    config, started, saved_at = run.config, time.monotonic(), time.monotonic()
    first, score = run.step, Score()
    for batch in loader:
        if run.step >= config.steps:
            break
        score += run.train_step(batch)
        if run.step % config.log_every == 0:
            seconds = time.monotonic() - started
            row = {"step": run.step, "loss": round(score.loss / config.log_every, 4), **score.shares()}
            row |= {"tiles_per_s": round((run.step - first) * config.tiles / seconds, 1), "s": round(seconds)}
            with (out / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            left = (config.steps - run.step) * seconds / max(1, run.step - first)
            print(f"{row} left {left / 60:.0f} min", flush=True)
            score = Score()
        if time.monotonic() - saved_at > config.save_every_s:
            save_run(out / CHECKPOINT, run.state())
            saved_at = time.monotonic()


@torch.no_grad()
def measure(run: Run, split: Split, *, batches: int = 8) -> dict[str, float]:
    """The share of characters named right on tiles of a split: faces and texts unseen for `test`."""
    data = iter(Batches(seed=99, tiles=run.config.tiles, first=10**6, split=split))
    return sum((run.losses(next(data))[1] for _ in range(batches)), Score()).shares()


def main() -> None:
    """Parse, train, say how much of unseen text is read."""
    parser = argparse.ArgumentParser(description="Train the vision encoder of internvl-nano to read.")
    parser.add_argument("--out", type=Path, default=Path("runs/nano-read"))
    parser.add_argument("--measure", action="store_true", help="train nothing; say how many characters of each split are named right")
    for name, value in vars(ReadConfig()).items():
        kind = {"action": argparse.BooleanOptionalAction} if isinstance(value, bool) else {"type": type(value)}
        parser.add_argument(f"--{name.replace('_', '-')}", default=value, **kind)  # type: ignore[arg-type]
    options = vars(parser.parse_args())
    out, only_measure = options.pop("out"), options.pop("measure")
    config = ReadConfig(**options)
    if not only_measure:
        train(config, out)
    run = Run(config)
    if (saved := load_run(out / CHECKPOINT)) is None:
        raise SystemExit(f"{out} holds no {CHECKPOINT}")
    run.restore(saved)
    print({split: measure(run, split) for split in ("train", "val", "test")})


if __name__ == "__main__":
    main()
