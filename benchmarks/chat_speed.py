"""Speed of a chat, this package beside transformers: `python -m benchmarks.chat_speed` (`--quick` for the small shape only).

shape x number type:   A B A B ...   each round a fresh process for each contender, medians over rounds
parity first:          with float32 weights both must give the same tokens, or nothing is reported
->                     a table, and a row in benchmarks/results with commit, hardware, versions and command
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.chat_table import print_table
from benchmarks.checkpoints import DEFAULT_CACHE, ensure_checkpoint, shape_named
from benchmarks.contenders import CONTENDERS
from benchmarks.machine import describe, moment
from benchmarks.turn import shared

from internvl.processor import Processor
from internvl.prompt.pieces import Trusted, Typed
from internvl.prompt.placeholders import slot_ids
from internvl.prompt.template import Piece, Turn
from internvl.prompt.tokenizer import load_tokenizer

RESULTS = Path(__file__).parent / "results"
DTYPES = ("float32", "bfloat16")
ROUNDS = {"nano": 3, "1b": 2}
LENGTHS = {
    "nano": {"tokens": 128, "seven_tile_tokens": 64, "batch_tokens": 64, "short_answer": 4},
    "1b": {"tokens": 64, "seven_tile_tokens": 16, "batch_tokens": 32, "short_answer": 4},
}


def main() -> int:
    """Measure every shape and type, print, store. 1 when the contenders disagree."""
    options = _options()
    runs = []
    for shape in ["nano"] if options.quick else options.shapes:
        for dtype in options.dtypes:
            run = measure(shape, dtype, cache=options.cache, threads=options.threads, rounds=options.rounds or ROUNDS[shape])
            runs.append(run)
            print_table(run)
            if dtype == "float32" and run["same_tokens"] < run["tokens"]:
                print(f"{shape} float32: the contenders' tokens part after {run['same_tokens']}; the figures compare nothing")
                return 1
    path = store(runs, options.results)
    print(f"stored in {path}")
    return 0


def measure(shape: str, dtype: str, *, cache: Path, threads: int, rounds: int) -> dict[str, Any]:
    """Interleaved rounds of all contenders on one shape with one number type."""
    folders = ensure_checkpoint(shape, cache)
    job = LENGTHS[shape] | prompts(shape, folders["original"]) | {"dtype": dtype, "threads": threads}
    before = moment()
    figures: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name, contender in CONTENDERS.items():
            figures[name].append(run_worker(job | {"contender": name, "folder": str(folders[contender.layout])}))
    return {
        "shape": shape,
        "dtype": dtype,
        "rounds": rounds,
        "threads": threads,
        "before": before,
        "after": moment(),
        "tokens": job["tokens"],
        **agreement(figures),
        "contenders": {name: _medians(rows) for name, rows in figures.items()},
    }


def prompts(shape: str, folder: Path) -> dict[str, Any]:
    """Prompts as ids, so that both contenders read the same: one tile, seven tiles, and what a second question appends."""
    config = shape_named(shape)
    processor = Processor.of(config, load_tokenizer(folder))
    second = second_turn_ids(processor, "Which part is the oldest?")
    one, seven = (one_turn_ids(processor, tiles, "Describe the picture in detail.") for tiles in (1, 7))
    return {"one_tile_ids": one, "seven_tile_ids": seven, "second_turn_ids": second, "side": config.image_size}


def one_turn_ids(processor: Processor, tiles: int, question: str, *, system: str | None = None) -> list[int]:
    """A prompt with one picture of `tiles` tiles."""
    content: list[Piece] = [*slot_ids(processor.tokenizer, tiles * processor.tokens_per_tile), Typed(f"\n{question}")]
    turns = [] if system is None else [Turn("system", (Typed(system),))]
    return processor.encode([*turns, Turn("user", tuple(content))])


def second_turn_ids(processor: Processor, question: str) -> list[int]:
    """What a next question appends to a prompt and its answer."""
    template = processor.template
    before, after = template.assistant_suffix + template.user_prefix, template.user_suffix + template.generation
    return processor.tokenizer.encode([Trusted(before), Typed(question), Trusted(after)])


def run_worker(job: dict[str, Any]) -> dict[str, Any]:
    """One contender in a fresh process."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job | {"started_at": time.monotonic()}, file)
        file.flush()
        done = subprocess.run([sys.executable, "-m", "benchmarks.chat_worker", file.name], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{job['contender']} ended with {done.returncode} (below 0: a signal):\n{done.stderr[-3000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def agreement(figures: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """How many leading tokens of the answers agree between the contenders, and whether cached second turns do."""
    rows = [rows[0] for rows in figures.values()]
    return {
        "same_tokens": shared(*(row["answer"] for row in rows)),
        "same_batch_tokens": [shared(*answers) for answers in zip(*(row["batch_answers"] for row in rows), strict=True)],
        "second_turn_agrees": {name: rows[0]["second_turn_agrees"] for name, rows in figures.items()},
    }


def store(runs: Sequence[dict[str, Any]], folder: Path) -> Path:
    """Write the runs with what they were measured on."""
    now = datetime.now(UTC)
    row = {"date": now.isoformat(timespec="seconds"), "command": shlex.join(["python", "-m", "benchmarks.chat_speed", *sys.argv[1:]])}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"chat_{now:%Y%m%d_%H%M%S}.json"
    path.write_text(json.dumps(row | describe() | {"runs": list(runs)}, indent=1) + "\n", "utf-8")
    return path


def _medians(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    return {key: round(median(row[key] for row in rows), 4) for key, value in rows[0].items() if isinstance(value, float)}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Chat speed beside transformers, on random weights of released shapes.")
    parser.add_argument("--quick", action="store_true", help="the small shape only")
    parser.add_argument("--shapes", nargs="*", default=["nano", "1b"], choices=["nano", "1b"])
    parser.add_argument("--dtypes", nargs="*", default=list(DTYPES), choices=DTYPES)
    parser.add_argument("--rounds", type=int, default=0, help="rounds of each; 0: 3 of the small shape, 2 of the large one")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="folder for the random checkpoints")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
