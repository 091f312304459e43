"""Speed of training, this package beside transformers' Trainer: `python -m benchmarks.train_speed`.

Each contender in a fresh process, in turns; the first step (warm-up) is not counted. Parity first: in float32 the first step's loss of
all contenders must be equal, or nothing is reported. Prints a table and stores a row in benchmarks/results.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import torch
from benchmarks.checkpoints import CONTROL_TOKENS, DEFAULT_CACHE, ensure_checkpoint, shape_named
from benchmarks.machine import describe, moment, peak_memory_mb
from benchmarks.train_contenders import CONTENDERS, Job

from internvl.data.example import Example
from internvl.data.record import Origin

RESULTS = Path(__file__).parent / "results"
EXAMPLES_A_STEP = 16
LOSS_TOLERANCE = 1e-3


def main() -> int:
    """Measure, print, store. 1 when the losses of the first step differ."""
    options = _options()
    if options.worker:
        print(json.dumps(_work(json.loads(Path(options.worker).read_text()))))
        return 0
    runs = []
    for precision in options.dtypes:
        run = measure(options, precision)
        runs.append(run)
        print(table(run), flush=True)
        if precision == "float32" and run["loss_spread"] > LOSS_TOLERANCE:
            print(f"the contenders' first losses differ by {run['loss_spread']:.2e}; the figures compare nothing")
            return 1
    now = datetime.now(UTC)
    row = {"date": now.isoformat(timespec="seconds"), "command": shlex.join(["python", "-m", "benchmarks.train_speed", *sys.argv[1:]])}
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / f"train_{now:%Y%m%d_%H%M%S}.json"
    path.write_text(json.dumps(row | describe() | {"runs": runs}, indent=1) + "\n", "utf-8")
    print(f"stored in {path}")
    return 0


def measure(options: argparse.Namespace, precision: str) -> dict[str, Any]:
    """Interleaved rounds of all contenders with one number type."""
    folders = ensure_checkpoint("nano", options.cache)
    before = moment()
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for _ in range(options.rounds):
        for name, make in CONTENDERS.items():
            folder = folders[make().layout]
            job = {"contender": name, "folder": str(folder), "precision": precision, "steps": options.steps, "threads": options.threads}
            found[name].append(_in_process(job))
    first = [rows[0]["losses"][0] for rows in found.values()]
    figures = {
        name: {
            "tokens_per_s": round(median(row["tokens_per_s"] for row in rows), 1),
            "step_s": round(median(row["step_s"] for row in rows), 3),
            "peak_mb": round(median(row["peak_mb"] for row in rows)),
            "losses": rows[0]["losses"],
        }
        for name, rows in found.items()
    }
    return {
        "dtype": precision, "rounds": options.rounds, "threads": options.threads, "before": before, "after": moment(),
        "loss_spread": max(first) - min(first), "contenders": figures,
    }  # fmt: skip


def table(run: dict[str, Any]) -> str:
    """Markdown."""
    peer = run["contenders"]["transformers Trainer"]["tokens_per_s"]
    lines = [f"\n### {run['dtype']} (load average {run['before']['load_1m']} -> {run['after']['load_1m']})\n"]
    lines += [
        f"First losses differ by at most {run['loss_spread']:.1e}.\n",
        "| | tokens/s | of the Trainer's | step, s | peak memory, MB |",
    ]
    lines.append("|---|---|---|---|---|")
    for name, row in run["contenders"].items():
        ratio = row["tokens_per_s"] / peer
        lines.append(f"| {name} | {row['tokens_per_s']:.0f} | {ratio:.2f}x | {row['step_s']:.2f} | {row['peak_mb']:,} |")
    return "\n".join(lines)


def examples(steps: int, *, seed: int = 0) -> list[list[Example]]:
    """Conversations of uneven length, as training data are: a text of 20 to 400 tokens, before it no, one or two 448 px tiles."""
    config = shape_named("nano")
    source, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    placeholder_id = placeholder()
    words = config.language.vocab_size - len(CONTROL_TOKENS)

    def example(row: int) -> Example:
        tiles = source.choices((0, 1, 2), (0.2, 0.65, 0.15))[0]
        length = min(400, max(20, round(source.lognormvariate(4.4, 0.8))))
        text = torch.randint(0, words, (length,), generator=generator)
        ids = torch.cat([torch.full((tiles * config.tokens_per_tile,), placeholder_id), text])
        labels = torch.full_like(ids, -100)
        labels[-length // 2 :] = ids[-length // 2 :]
        pixels = torch.randn(tiles, 3, config.image_size, config.image_size, generator=generator) if tiles else None
        return Example(origin=Origin("random", "none", row), ids=ids, labels=labels, pixels=pixels)

    return [[example(step * EXAMPLES_A_STEP + i) for i in range(EXAMPLES_A_STEP)] for step in range(steps)]


def placeholder() -> int:
    """Id of `<IMG_CONTEXT>` in the made-up tokenizer."""
    return shape_named("nano").language.vocab_size - len(CONTROL_TOKENS) + CONTROL_TOKENS.index("<IMG_CONTEXT>")


def _work(job: dict[str, Any]) -> dict[str, Any]:
    torch.set_num_threads(job["threads"])
    data = examples(job["steps"])
    with tempfile.TemporaryDirectory() as out:
        steps = CONTENDERS[job["contender"]]().run(
            Job(folder=Path(job["folder"]), placeholder_id=placeholder(), precision=job["precision"], steps=data, out=Path(out))
        )
    timed = steps[1:]
    seconds = sum(step.seconds for step in timed)
    return {
        "losses": [step.loss for step in steps],
        "tokens_per_s": sum(step.tokens for step in timed) / seconds,
        "step_s": seconds / len(timed),
        "peak_mb": peak_memory_mb(),
    }


def _in_process(job: dict[str, Any]) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job, file)
        file.flush()
        command = [sys.executable, "-m", "benchmarks.train_speed", "--worker", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{job['contender']} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Training speed beside transformers' Trainer, on random weights of the small shape.")
    parser.add_argument("--dtypes", nargs="*", default=["float32", "bfloat16"], choices=["float32", "bfloat16"])
    parser.add_argument("--steps", type=int, default=3, help="optimiser steps, the first of which is not counted")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="folder for the random checkpoints")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
