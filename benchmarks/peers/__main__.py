"""This package beside other programs on one machine: `python -m benchmarks.peers --peers-dir DIR` (`--quick` for a few minutes).

prepared programs (`benchmarks.peers.prepare`), random checkpoints of two shapes
round 1: A B C ...   round 2: ... C B A   each a fresh process, alone, read bandwidth taken before each
->                   a table and the ratios aimed at, and a row in benchmarks/results with commit, hardware, versions, every round
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from benchmarks.checkpoints import DEFAULT_CACHE
from benchmarks.machine import describe, moment
from benchmarks.peers import goals, table
from benchmarks.peers.jobs import Place, job_of, missing, python_of
from benchmarks.peers.plan import PART_NAMES, Plan
from benchmarks.peers.prepare import versions

from internvl.kernels.library import status

RESULTS = Path(__file__).parent.parent / "results"
WORKER_TIMEOUT_S = 1800


def main() -> int:
    """Measure every shape, print, store."""
    options = _options()
    torch.set_num_threads(options.threads)
    status()  # our kernels are compiled before anything is timed
    place = Place(peers=options.peers_dir.resolve(), cache=options.cache, threads=options.threads)
    plan = Plan(
        quick=options.quick,
        everything=options.everything,
        rounds=options.rounds,
        names=tuple(options.contenders),
        parts=tuple(options.parts),
    )
    runs = []
    for shape in options.shapes:
        runs.append(measure(shape, plan, place, wrap=shlex.split(options.wrap)))
        print("\n".join(report(runs[-1])), flush=True)
    print(f"\nstored in {store(runs, options.results, place)}")
    return 0


def measure(shape: str, plan: Plan, place: Place, *, wrap: list[str]) -> dict[str, Any]:
    """All rounds of one shape. Who is not prepared, or fails, is left out from then on, with the reason."""
    began = time.monotonic()
    absent = {each.name: reason for each in plan.contenders() if (reason := missing(each, shape, place))}
    rows: list[dict[str, Any]] = []
    for number, contender, parts in plan.jobs(shape):
        if contender.name in absent:
            continue
        job = job_of(contender, shape, parts, plan.lengths(shape), place)
        now, started = moment(), time.monotonic()
        found = run_worker(job, [*wrap, python_of(contender, place)])
        print(
            f"{shape} round {number + 1} {contender.name} {'+'.join(parts)}: {time.monotonic() - started:.0f} s",
            file=sys.stderr,
            flush=True,
        )
        if isinstance(found, str):
            absent[contender.name] = found
            continue
        rows.append({"contender": contender.name, "round": number + 1, "parts": parts, "machine": now, "figures": _rounded(found)})
    return {
        "shape": shape,
        "threads": place.threads,
        "seconds": round(time.monotonic() - began, 1),
        "order": [each.name for each in plan.contenders()],
        "absent": absent,
        "lengths": plan.lengths(shape),
        "rows": rows,
    }


def run_worker(job: dict[str, Any], command: list[str]) -> dict[str, Any] | str:
    """One program in a fresh process -> its figures, or why there are none."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job, file)
        file.flush()
        words = [*command, "-m", "benchmarks.peers.worker", file.name]
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=WORKER_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return f"no end after {WORKER_TIMEOUT_S} s"
    if done.returncode:
        print(done.stderr[-3000:], file=sys.stderr)
        return f"ended with {done.returncode}: {(done.stderr.strip().splitlines() or ['no message'])[-1][:200]}"
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def report(run: dict[str, Any]) -> Iterator[str]:
    """Markdown of one shape."""
    yield from table.lines(run)
    yield from goals.lines(run)


def store(runs: list[dict[str, Any]], folder: Path, place: Place) -> Path:
    """The row as JSON with what it was measured on, and the tables beside it as Markdown."""
    now = datetime.now(UTC)
    # Where the peers lie says something about this machine alone.
    words = ["../peers" if Path(word).resolve() == place.peers else word for word in sys.argv[1:]]
    head = {"date": now.isoformat(timespec="seconds"), "command": shlex.join(["python", "-m", "benchmarks.peers", *words])}
    about = describe()
    about["versions"] |= versions(place.peers)
    about["kernels"] = status().instructions
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"peers_{now:%Y%m%d_%H%M%S}.json"
    path.write_text(json.dumps(head | about | {"runs": runs}, indent=1) + "\n", "utf-8")
    told = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    title = (
        f"{head['date']}, commit {about['commit']}, {about['processor']}, {about['cores']} cores; kernels: {about['kernels']}; {told}."
    )
    path.with_suffix(".md").write_text("\n".join([title, *(line for run in runs for line in report(run))]) + "\n", "utf-8")
    return path


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="This package beside other programs, in one run.")
    parser.add_argument("--peers-dir", type=Path, required=True, help="folder that benchmarks.peers.prepare filled")
    parser.add_argument("--quick", action="store_true", help="one round, short answers; nano with 1 and 7 tiles, 1b with 1")
    parser.add_argument("--everything", action="store_true", help="all parts with all programs; long")
    parser.add_argument("--shapes", nargs="*", default=["nano", "1b"], choices=["nano", "1b"])
    parser.add_argument("--contenders", nargs="*", default=[], help="only those whose names hold one of these, such as int8 or llama")
    parser.add_argument("--parts", nargs="*", default=list(PART_NAMES), choices=PART_NAMES)
    parser.add_argument("--rounds", type=int, default=0, help="at most so many rounds (with --everything: exactly)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--wrap", default="", help="put before each program's command, such as 'taskset -c 1'")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="folder for the random checkpoints and pictures")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
