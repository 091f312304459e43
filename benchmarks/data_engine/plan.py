"""What six billion pairs take, by the CPU times of `operators` and the bytes of a cleaned trial, on CPUs alone and with GPUs.

results/data_engine_operators_*.json + run folder --capacity--> a line a case: core days, machines, storage

python -m benchmarks.data_engine.plan --operators FILE.json --run runs/trial-clean --rules stage1 --pairs 6e9
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from internvl.pipelines.capacity import Capacity, Measured

# Samples a second of one GPU of 1 PFLOP/s (bfloat16) at 40 % of it, by the operations of one forward pass at 224 px. Not measured.
ON_GPU = {"ViT-L/14 (0.16 TFLOP)": 2500.0, "InternViT-6B (2.9 TFLOP)": 140.0}
SIMILARITY = "similarity"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_engine.plan", description="Plan from CPU times.")
    parser.add_argument("--operators", type=Path, required=True, help="a result of benchmarks.data_engine.operators")
    parser.add_argument("--run", type=Path, required=True, help="a finished run of `internvl data clean` with shards")
    parser.add_argument("--rules", default="stage1")
    parser.add_argument("--pairs", type=float, default=6e9)
    parser.add_argument("--days", type=float, default=14.0)
    chosen = parser.parse_args(arguments)
    print("\n".join(_lines(json.loads(chosen.operators.read_text("utf-8")), chosen)))
    return 0


def _lines(times: dict[str, Any], chosen: argparse.Namespace) -> Iterator[str]:
    from internvl.pipelines.capacity import Fleet, capacity, measured_run

    run = measured_run(chosen.run, rules=chosen.rules)
    yield "| pairs | similarity | core days | machines of 64 cores | GPU days | machines of 8 GPUs | read | columns | kept as shards |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for size, name in (("trial", "as in the trial"), ("web", "1024 x 768 px")):
        measured, pair_bytes = _with_times(run, times[size]), None if size == "trial" else float(times["web_bytes"])
        for model, rate in ({"internvl-dual-nano, on cores": None} | ON_GPU).items():
            fleet = Fleet(days=chosen.days, on_gpu={} if rate is None else {SIMILARITY: rate}, pair_bytes=pair_bytes)
            yield _line(name, model, capacity(measured, chosen.pairs, fleet=fleet))


def _with_times(run: Measured, times: dict[str, Any]) -> Measured:
    """The run with CPU seconds for its operators; its reading stays as it was timed, and scores taken together are told apart."""
    from internvl.pipelines.speeds import Speed

    seen = {speed.name: speed.items for speed in run.speeds}
    read = next(speed for speed in run.speeds if speed.name == "(read)")
    scored = seen.get("scores", seen[SIMILARITY])
    speeds = [
        Speed(name=name, items=seen.get(name, scored), seconds=each["ms"] * seen.get(name, scored) / 1000)
        for name, each in times.items()
    ]
    return replace(run, speeds=(read, *speeds))


def _line(name: str, model: str, planned: Capacity) -> str:
    gpus = (f"{planned.gpu_days:,.0f}", f"{planned.gpu_machines:,}") if planned.gpu_days else ("-", "-")
    sizes = (planned.input_bytes, planned.column_bytes, planned.shard_bytes)
    stored = " | ".join(f"{size / 1e12:,.1f} TB" for size in sizes)
    return f"| {name} | {model} | {planned.core_days:,.0f} | {planned.cpu_machines:,} | {gpus[0]} | {gpus[1]} | {stored} |"


if __name__ == "__main__":
    sys.exit(main())
