"""Train internvl-nano on one CPU core: `python -m recipes.nano.train --out runs/nano`.

    look: encoder + reading head, pictures only      talk: the whole model on conversations, reading head beside it
    |------ look_steps ------|------------------- steps - look_steps ------------------|  rate: warm-up, constant, down to 0

Kill it at any moment and start it again: it continues from the last checkpoint, bit for bit the same run, because weights, optimiser
and step are saved and data depend on the seed and the step only. `--steps` may be raised as long as the rate is still constant.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from recipes.nano.batches import Batch, BatchPlan, batches
from recipes.nano.losses import Measured, part_loss
from recipes.nano.model.checkpoint import load_run, save_run
from recipes.nano.model_config import nano_config
from recipes.nano.optimiser import Optimiser
from recipes.nano.reading import ReadingHead
from recipes.nano.start import starting_model
from recipes.nano.vocabulary import placeholder_id, write_tokenizer
from torch.nn.attention import SDPBackend, sdpa_kernel

from internvl.models.build import build_model, count_parameters
from internvl.models.config import InternVLConfig
from internvl.models.internvl import InternVL

CHECKPOINT = "run.safetensors"
LOOK = BatchPlan(one_tile=48, many_tiles=2, talk=False)
TALK = BatchPlan(one_tile=20, many_tiles=12, crowded=12)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One run. Steps count from 0; the learning rate falls to zero over the last `decay_steps`."""

    look_steps: int = 1500
    steps: int = 4200
    warmup_steps: int = 100
    decay_steps: int = 1200
    rate: float = 1e-3
    matrix_rate: float = 0.01
    weight_decay: float = 0.02
    reading_weight: float = 0.5
    look_plan: BatchPlan = LOOK
    talk_plan: BatchPlan = TALK
    workers: int = 1
    threads: int = 1
    bf16: bool = True
    save_every_s: float = 90.0
    log_every: int = 20


class Run:
    """A run in memory: model, reading head, optimiser and the next step."""

    def __init__(self, config: TrainConfig, model_config: InternVLConfig) -> None:
        self.config = config
        self.model = starting_model(model_config, seed=config.talk_plan.seed)
        torch.manual_seed(config.talk_plan.seed)
        self.head = ReadingHead(model_config.vision.hidden_size)
        self.optimiser = Optimiser(
            (self.model, self.head), rate=config.rate, matrix_rate=config.matrix_rate, weight_decay=config.weight_decay
        )
        self.placeholder_id = placeholder_id()
        self.step = 0

    def train_step(self, parts: tuple[Batch, ...]) -> list[Measured]:
        """One step on all parts, gradients summed by `shares_of`."""
        looking = self.step < self.config.look_steps
        shares = shares_of(parts)
        measured = []
        with sdpa_kernel(
            SDPBackend.MATH
        ):  # on 65 tokens the CPU's flash kernel trains the encoder at 138 tiles a second, this one at 200
            for part, share in zip(parts, shares, strict=True):
                with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.config.bf16):
                    loss = part_loss(
                        self.model,
                        self.head,
                        part,
                        placeholder_id=self.placeholder_id,
                        reading_weight=1.0 if looking else self.config.reading_weight,
                        share=share,
                    )
                loss.total.backward()
                measured.append(loss)
        self.optimiser.step(rate_at(self.config, self.step))
        self.step += 1
        return measured

    def state(self) -> dict[str, object]:
        """Everything that the next step depends on."""
        return {
            "model": self.model.state_dict(),
            "head": self.head.state_dict(),
            "optimiser": self.optimiser.state(),
            "step": self.step,
        }

    def restore(self, state: dict[str, object]) -> None:
        """Continue where `state` was taken."""
        self.model.load_state_dict(state["model"])  # type: ignore[arg-type]
        self.head.load_state_dict(state["head"])  # type: ignore[arg-type]
        self.optimiser.restore(state["optimiser"])  # type: ignore[arg-type]
        self.step = int(state["step"])  # type: ignore[call-overload]


def shares_of(parts: tuple[Batch, ...]) -> list[float]:
    """Each part's weight in the step: its share of the answers' tokens; pictures without questions share a weight of one by tiles."""
    tokens = [int((part.labels >= 0).sum()) for part in parts]
    tiles = [0 if size else part.pixels.shape[0] for part, size in zip(parts, tokens, strict=True)]
    return [size / sum(tokens) if size else count / sum(tiles) for size, count in zip(tokens, tiles, strict=True)]


def rate_at(config: TrainConfig, step: int) -> float:
    """The learning rate's factor: up, 1, and down to 0; the stages have a warm-up each, because the second has new parts."""
    since_stage = step - config.look_steps if step >= config.look_steps else step
    up = min(1.0, (since_stage + 1) / config.warmup_steps)
    down = min(1.0, (config.steps - step) / max(1, config.decay_steps))
    return min(up, down)


def train(config: TrainConfig, out: Path, model_config: InternVLConfig | None = None) -> InternVL:
    """Train to the last step, from the checkpoint in `out` if there is one, and return the model."""
    torch.set_num_threads(config.threads)
    out.mkdir(parents=True, exist_ok=True)
    write_tokenizer(out)
    run = Run(config, model_config or nano_config())
    saved = load_run(out / CHECKPOINT)
    if saved is not None:
        run.restore(saved)
    log = Log(out / "log.jsonl", config)
    for stage_end, plan in ((config.look_steps, config.look_plan), (config.steps, config.talk_plan)):
        _train_stage(run, replace(plan, tokenizer=str(out)), min(stage_end, config.steps), out, log)
    save_run(out / CHECKPOINT, run.state())
    return run.model


def _train_stage(run: Run, plan: BatchPlan, end: int, out: Path, log: Log) -> None:
    saved_at = time.monotonic()
    for step, parts in batches(plan, run.step, end, workers=run.config.workers):
        log.add(step, run.train_step(parts), pictures=sum(len(part.ids) or len(part.pixels) for part in parts))
        if time.monotonic() - saved_at > run.config.save_every_s:
            save_run(out / CHECKPOINT, run.state())
            saved_at = time.monotonic()


class Log:
    """One line on the screen and one JSON object in a file every few steps."""

    def __init__(self, path: Path, config: TrainConfig) -> None:
        self.path, self.config = path, config
        self.started, self.pictures, self.steps = time.monotonic(), 0, 0

    def add(self, step: int, measured: list[Measured], *, pictures: int) -> None:
        """Note one step."""
        self.pictures += pictures
        self.steps += 1
        if (step + 1) % self.config.log_every:
            return
        seconds = time.monotonic() - self.started
        row = {"step": step + 1, "s": round(seconds, 1), "rate": rate_at(self.config, step)}
        row |= {"per_s": round(self.pictures / seconds, 1)}
        for name, part in zip(("one", "many", "crowded"), measured, strict=False):
            row |= {f"{name}_{key}": value for key, value in vars(part).items() if key != "total"}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        left = (self.config.steps - step - 1) * seconds / self.steps
        one = measured[0]
        answer = "" if one.answer is None else f" answer {one.answer:.3f}"
        print(
            f"step {step + 1}/{self.config.steps}{answer} reading {one.reading:.3f} right {one.accuracy:.3f} "
            f"others {[round(part.accuracy, 3) for part in measured[1:]]} {row['per_s']}/s left {left / 60:.0f} min",
            flush=True,
        )


def main() -> None:
    """Parse, train, say where the result is."""
    parser = argparse.ArgumentParser(description="Train internvl-nano from nothing.")
    parser.add_argument("--out", type=Path, default=Path("runs/nano"))
    for name, default in (("steps", TrainConfig.steps), ("look-steps", TrainConfig.look_steps)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, default in (("decay-steps", TrainConfig.decay_steps), ("threads", 1), ("workers", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--matrix-rate", type=float, default=TrainConfig.matrix_rate)
    parser.add_argument("--rate", type=float, default=TrainConfig.rate)
    options = parser.parse_args()
    out = options.out
    config = TrainConfig(**{name: value for name, value in vars(options).items() if name != "out"})
    print(f"{count_parameters(build_model(nano_config())).total:,} parameters", flush=True)
    train(config, out)
    print(f"trained; now: python -m recipes.nano.export --run {out}")


if __name__ == "__main__":
    main()
