"""Train a scorer: draw what is missing, learn, fold, choose what the picture's score is from its places, and write the weights.

    pieces -> AdamW, steps from a seed -> build/scorers/KIND-SEED/state.safetensors -> weights/scorers/KIND.safetensors

    python -m recipes.scorers.train --model watermark [--steps 1650] [--threads 1]

Stopped, it goes on from its last state; the result is the same.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from recipes.scorers import aesthetic_lesson, watermark_lesson
from recipes.scorers.fold import NormedConvolution, folded
from recipes.scorers.pictures import prepare
from recipes.scorers.pieces import Draw, ensure_pieces, joined
from recipes.scorers.training_state import load_state, save_state
from recipes.scorers.watermark_judge import fit_judge
from safetensors.torch import save_file
from torch import Tensor, nn

from internvl.pipelines.scorers.aesthetic_network import AestheticNetwork
from internvl.pipelines.scorers.watermark_network import WatermarkNetwork
from internvl.pipelines.scorers.weights import FOLDER

DECAY, WARM_UP = 0.02, 30  # AdamW's, steps
SAVE_EVERY, LOG_EVERY = 50, 25  # steps


@dataclass(frozen=True)
class Lesson:
    """What differs between the scorers. size: samples of a piece; batch: samples of a step; begin: sets what is not learnt by steps."""

    network: Callable[..., nn.Module]
    draw: Draw
    loss: Callable[[nn.Module, dict[str, Tensor], Tensor, random.Random], Tensor]
    pieces: int
    size: int
    batch: int
    steps: int
    rate: float = 3e-3
    begin: Callable[[nn.Module, dict[str, Tensor]], None] | None = None


LESSONS = {
    "watermark": Lesson(WatermarkNetwork, watermark_lesson.draw, watermark_lesson.loss, pieces=30, size=50, batch=16, steps=1650),
    "aesthetic": Lesson(
        AestheticNetwork,
        aesthetic_lesson.draw,
        aesthetic_lesson.loss,
        pieces=14,
        size=24,
        batch=32,
        steps=1500,
        rate=2e-3,
        begin=aesthetic_lesson.begin,
    ),
}


def train(kind: str, *, steps: int | None = None, pieces: int | None = None, seed: int = 1) -> Path:
    """Train from where it stands, and write the weights into the package. Raises MissingMaterial."""
    lesson = LESSONS[kind]
    prepare()
    files = ensure_pieces(kind, lesson.draw, pieces=pieces or lesson.pieces, size=lesson.size, seed=seed)
    torch.manual_seed(seed)
    normed = lesson.network is WatermarkNetwork
    network = lesson.network(make=NormedConvolution) if normed else lesson.network()
    tensors = joined(files)
    if lesson.begin is not None:
        lesson.begin(network, tensors)
    _learn(
        network.to(memory_format=torch.channels_last),
        lesson,
        tensors,
        files[0].with_name("state.safetensors"),
        steps or lesson.steps,
        seed,
    )
    plain = lesson.network()
    plain.load_state_dict(folded(network))
    plain.eval()
    if isinstance(plain, WatermarkNetwork):
        fit_judge(plain, seed)
    return _written(plain, kind)


def _learn(network: nn.Module, lesson: Lesson, tensors: dict[str, Tensor], state: Path, steps: int, seed: int) -> None:
    optimiser = torch.optim.AdamW(network.parameters(), lr=lesson.rate, weight_decay=DECAY, betas=(0.9, 0.98))
    done = load_state(state, network, optimiser)
    count, began = len(next(iter(tensors.values()))), time.process_time()
    network.train()
    for step in range(done, steps):
        source = random.Random(f"{seed} {step}")
        for group in optimiser.param_groups:
            group["lr"] = lesson.rate * min(1.0, (step + 1) / WARM_UP) * (1 - step / steps)
        torch.manual_seed(1_000_003 * seed + step)  # for what is dropped
        loss = lesson.loss(network, tensors, _rows(step, count, lesson.batch, seed), source)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        if (step + 1) % LOG_EVERY == 0:
            print(f"step {step + 1} of {steps}  loss {loss.item():.4f}  {time.process_time() - began:.0f} s of CPU", flush=True)
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            save_state(state, network, optimiser, step + 1)


def _rows(step: int, count: int, batch: int, seed: int) -> Tensor:
    """The samples of a step: each once an epoch, in an order of its own."""
    per_epoch = count // batch
    order = torch.randperm(count, generator=torch.Generator().manual_seed(1000 * seed + step // per_epoch))
    return order[(step % per_epoch) * batch :][:batch]


def _written(network: nn.Module, kind: str) -> Path:
    path = FOLDER / f"{kind}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    tensors = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, unfinished, metadata={"kind": kind, "format": "pt"})
    unfinished.chmod(0o644)  # safetensors lets only the owner read
    unfinished.replace(path)
    return path


def main() -> None:
    """Parse and train."""
    parser = argparse.ArgumentParser(prog="python -m recipes.scorers.train", description="Train a scorer of pictures.")
    parser.add_argument("--model", choices=sorted(LESSONS), required=True)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--pieces", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(train(options.model, steps=options.steps, pieces=options.pieces, seed=options.seed))


if __name__ == "__main__":
    main()
