"""One contender in a process of its own: `python -m benchmarks.chat_worker JOB.json` prints one line of JSON.

    import -> load -> one tile (cold, then again) -> second turn -> seven tiles -> four at once -> peak memory

The job names the contender, its checkpoint, its number type, and the prompts as ids (see `chat_speed`).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.machine import peak_memory_mb
from torch import Tensor


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Every figure of one contender; seconds, tokens a second, megabytes."""
    torch.set_num_threads(job["threads"])
    figures: dict[str, Any] = {"torch_import_s": time.monotonic() - job["started_at"]}
    contender = _load(job, figures)
    _one_tile(contender, job, figures)
    _seven_tiles(contender, job, figures)
    _four_at_once(contender, job, figures)
    figures["peak_mb"] = peak_memory_mb()
    return figures


def tiles(count: int, side: int, *, seed: int) -> Tensor:
    """Random pixels [count,3,side,side], the same in every process."""
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def _load(job: dict[str, Any], figures: dict[str, Any]) -> Contender:
    before = time.monotonic()
    contender: Contender = CONTENDERS[job["contender"]]()
    figures["import_s"] = time.monotonic() - before
    before = time.monotonic()
    contender.load(Path(job["folder"]), getattr(torch, job["dtype"]))
    figures["load_s"] = time.monotonic() - before
    return contender


def _one_tile(contender: Contender, job: dict[str, Any], figures: dict[str, Any]) -> None:
    ids, side, tokens = job["one_tile_ids"], job["side"], job["tokens"]
    contender.answer(ids, tiles(1, side, seed=1), tokens=1)
    figures["cold_first_token_s"] = time.monotonic() - job["started_at"]
    turns = [contender.answer(ids, tiles(1, side, seed=seed), tokens=tokens) for seed in (1, 2)]
    figures["answer"] = turns[0].tokens
    figures["encode_1_s"] = median(turn.encode_s for turn in turns)
    figures["first_token_1_s"] = median(turn.first_token_s for turn in turns)
    figures["prefill_1_s"] = median(turn.first_token_s - turn.encode_s for turn in turns)
    figures["decode_tokens_per_s"] = median(turn.tokens_per_s for turn in turns)
    short = contender.answer(ids, tiles(1, side, seed=3), tokens=job["short_answer"])
    longer = [*ids, *short.tokens, *job["second_turn_ids"]]
    kept = contender.answer(longer, tiles(1, side, seed=3), tokens=2, state=short.state)
    figures["second_turn_kept_s"] = kept.first_token_s
    again = contender.answer(longer, tiles(1, side, seed=3), tokens=2)
    figures["second_turn_naive_s"] = again.first_token_s
    figures["second_turn_agrees"] = kept.tokens == again.tokens
    figures["peak_1_mb"] = peak_memory_mb()


def _seven_tiles(contender: Contender, job: dict[str, Any], figures: dict[str, Any]) -> None:
    turn = contender.answer(job["seven_tile_ids"], tiles(7, job["side"], seed=4), tokens=job["seven_tile_tokens"])
    figures["encode_7_s"] = turn.encode_s
    figures["first_token_7_s"] = turn.first_token_s
    figures["prefill_7_s"] = turn.first_token_s - turn.encode_s
    figures["decode_7_tokens_per_s"] = turn.tokens_per_s


def _four_at_once(contender: Contender, job: dict[str, Any], figures: dict[str, Any]) -> None:
    before = time.perf_counter()
    pixels = [tiles(1, job["side"], seed=seed) for seed in range(5, 9)]
    answers = contender.batch(job["one_tile_ids"], pixels, tokens=job["batch_tokens"])
    figures["batch_4_s"] = time.perf_counter() - before
    figures["batch_answers"] = answers


def main() -> None:
    """Read the job, measure, print."""
    job = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps(measure(job)))


if __name__ == "__main__":
    main()
