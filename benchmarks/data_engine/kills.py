"""Kill a run of `internvl data clean` at random moments, start it again, and compare with one that was left alone; then two workers.

    python -m benchmarks.data_engine.kills --trial runs/trial-2000 --out runs/kills --kills 10

A kill is SIGKILL to the whole process group: nothing can be tidied up. Moments are spread over all that is left to do, the writing of
shards and the report included. The result goes to benchmarks/results.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.data_engine.plain_rules import arguments_without
from benchmarks.data_engine.same import differences, digests, left_behind, whole
from benchmarks.data_engine.written import inputs
from benchmarks.machine import describe, moment

RESULTS = Path(__file__).resolve().parents[1] / "results"
_LONGEST_S, _LOOK_S = 3600.0, 0.02


@dataclass(frozen=True)
class Kill:
    """at_s: after the start. units: finished when it came; unfinished: files of units under way that it left behind."""

    at_s: float
    units: int
    unfinished: int


@dataclass(frozen=True)
class Timeline:
    """Of a run that is left alone, in seconds after its start: the first and the last finished unit, and the end."""

    first_s: float
    last_s: float
    end_s: float
    units: int


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; exit code 1 when a result differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_engine.kills", description="Kill and compare.")
    parser.add_argument("--trial", type=Path, required=True, help="folder made by benchmarks.data_engine.make")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs; what is in it is deleted")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=9)
    parser.add_argument("--unit-rows", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2, help="of the run that is compared with one worker; 1 leaves it out")
    parser.add_argument("--without-models", action="store_true", help="facts and duplicates alone: a fifth of the time")
    parser.add_argument("--set", dest="more", nargs=argparse.REMAINDER, default=[], help="more arguments of `internvl data clean`")
    chosen = parser.parse_args(arguments)
    shutil.rmtree(chosen.out, ignore_errors=True)
    if chosen.without_models:
        chosen.more = [*arguments_without(chosen.out / "rules"), *chosen.more]
    result = _compare(chosen)
    file = RESULTS / f"data_engine_kills_{datetime.now(UTC):%Y%m%d_%H%M%S}.json"
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print("\n".join(markdown(result)))
    print(file, file=sys.stderr)
    return 0 if result["killed_is_same"] and result["workers_are_same"] is not False else 1


def command(trial: Path, out: Path, *, unit_rows: int, workers: int, more: Sequence[str] = ()) -> list[str]:
    """The command line of the run under trial."""
    fixed = ["--against", str(trial / "evaluation"), "--out", str(out), "--unit-rows", str(unit_rows), "--workers", str(workers)]
    return [sys.executable, "-m", "internvl", "data", "clean", *inputs(trial), *fixed, "--quiet", *more]


def markdown(result: dict[str, Any]) -> list[str]:
    """Lines for docs/scale.md."""
    kills = result["kills"]
    at = ", ".join(f"{kill['at_s']:.1f}" for kill in kills)
    same = "identical" if result["killed_is_same"] else "DIFFERENT"
    lines = [
        f"- {len(kills)} times SIGKILL over a run of {result['rows']:,} rows in units of {result['unit_rows']}, {at} s",
        f"  after each start: {same} to the run that was left alone ({result['files']} files).",
    ]
    if result["workers_are_same"] is not None:
        same = "identical" if result["workers_are_same"] else "DIFFERENT"
        lines.append(f"- {result['workers']} workers: {same}.")
    return lines


def _compare(chosen: argparse.Namespace) -> dict[str, Any]:
    rows = json.loads((chosen.trial / "truth" / "about.json").read_text("utf-8"))["rows"]
    alone, killed, many = (chosen.out / name for name in ("alone", "killed", "many"))
    timeline = _whole_run(_command(chosen, alone, 1), alone)
    reference = digests(alone)
    kills, last_s = _killed_run(chosen, killed, timeline)
    after = digests(killed)
    workers_s, workers_differ = None, None
    if chosen.workers > 1:
        workers_s = _whole_run(_command(chosen, many, chosen.workers), many).end_s
        workers_differ = differences(reference, digests(many))
    return {
        "machine": {**describe(), **moment()},
        "rows": rows,
        "unit_rows": chosen.unit_rows,
        "models": not chosen.without_models,
        "files": len(reference),
        "digest": whole(reference),
        "alone_s": {name: round(value, 1) for name, value in vars(timeline).items()},
        "kills": [vars(kill) for kill in kills],
        "after_the_last_kill_s": round(last_s, 1),
        "killed_is_same": reference == after,
        "killed_differs_in": differences(reference, after)[:20],
        "left_behind": left_behind(killed),
        "workers": chosen.workers,
        "workers_s": None if workers_s is None else round(workers_s, 1),
        "workers_are_same": None if workers_differ is None else not workers_differ,
        "workers_differ_in": (workers_differ or [])[:20],
    }


def _command(chosen: argparse.Namespace, out: Path, workers: int) -> list[str]:
    return command(chosen.trial, out, unit_rows=chosen.unit_rows, workers=workers, more=chosen.more)


def _whole_run(line: Sequence[str], out: Path) -> Timeline:
    """Raises CalledProcessError when the run fails."""
    seen: dict[int, float] = {}

    def note(units: int, passed_s: float) -> bool:
        seen.setdefault(units, passed_s)
        return False

    started = time.perf_counter()
    _watched(line, out, note)
    end_s = time.perf_counter() - started
    moments = [passed_s for units, passed_s in seen.items() if units]
    return Timeline(min(moments, default=end_s), max(moments, default=end_s), end_s, max(seen, default=0))


def _killed_run(chosen: argparse.Namespace, out: Path, alone: Timeline) -> tuple[list[Kill], float]:
    """The kills, and how long the last start took that was left alone."""
    line, source = _command(chosen, out, 1), random.Random(chosen.seed)
    late = max(1, chosen.kills // 3)
    unit_s = (alone.last_s - alone.first_s) / max(1, alone.units - 1)
    kills: list[Kill] = []
    for target in sorted(source.sample(range(1, alone.units), chosen.kills - late)):
        # A run that was killed later than was meant has more units than the next target: then after its next one.
        wanted = max(target, min(alone.units, _files(out).count(".parquet") + 1))
        kills += _killed(line, out, wanted, source.uniform(0, 2 * unit_s))
    # Then in what comes behind the last unit: the search for duplicates, the decisions, the shards, the report.
    tail_s = alone.end_s - alone.last_s
    kills += _killed(line, out, alone.units, tail_s * source.uniform(0.1, 0.9))
    last_s = alone.first_s + tail_s
    while len(kills) < chosen.kills:
        started = time.perf_counter()
        found = _killed(line, out, 0, last_s * source.uniform(0.4, 0.95))
        kills, last_s = kills + found, last_s if found else time.perf_counter() - started
    return kills, _whole_run(line, out).end_s


def _killed(line: Sequence[str], out: Path, units: int, more_s: float) -> list[Kill]:
    """Kill a run so many seconds after it has finished a unit and has that many; nothing when it ended before."""
    before = _files(out).count(".parquet")
    since: list[float] = [0.0] if before >= units else []

    def due(done: int, passed_s: float) -> bool:
        if done >= units and not since:
            since.append(passed_s)
        return bool(since) and passed_s - since[0] >= more_s

    kill = _watched(line, out, due)
    if kill is not None:
        print(f"killed after {kill.at_s:.1f} s with {kill.units} units done, {kill.unfinished} files unfinished", file=sys.stderr)
    return [] if kill is None else [kill]


def _watched(line: Sequence[str], out: Path, due: Callable[[int, float], bool]) -> Kill | None:
    """Run; kill the whole group of processes when it is due. None when it ended by itself. Raises CalledProcessError when it failed."""
    started = time.perf_counter()
    process = subprocess.Popen(line, start_new_session=True, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        time.sleep(_LOOK_S)
        found = _files(out)
        done, passed_s = found.count(".parquet"), time.perf_counter() - started
        if passed_s > _LONGEST_S or due(done, passed_s):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return Kill(round(passed_s, 2), done, found.count(".part"))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, line)
    return None


def _files(out: Path) -> list[str]:
    """Endings of the files of units, drafts included."""
    return [file.suffix for file in (out / "units").iterdir()] if (out / "units").is_dir() else []


if __name__ == "__main__":
    sys.exit(main())
