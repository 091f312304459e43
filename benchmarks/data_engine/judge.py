"""Clean a trial and compare with what was planted: precision and recall of every filter, rows a second of every operator.

    python -m benchmarks.data_engine.judge --trial runs/trial --run runs/trial-clean

Runs `internvl data clean` with both presets (or takes up a run that is finished), then writes benchmarks/results/data_engine_*.json and
prints its tables in Markdown. Nothing that was planted is within reach of the run: the truth lies outside of its inputs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.data_engine import verdict_table
from benchmarks.data_engine.kills import RESULTS, command
from benchmarks.data_engine.markdown import tables
from benchmarks.data_engine.plain_rules import arguments_without
from benchmarks.data_engine.truth import Truth, added, same_group, verdicts
from benchmarks.machine import describe, moment

PRESETS = ("stage1", "stage2")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_engine.judge", description="Clean a trial and compare.")
    parser.add_argument("--trial", type=Path, required=True, help="folder made by benchmarks.data_engine.make")
    parser.add_argument("--run", type=Path, required=True, help="folder of the cleaning run; gone on with where there is one")
    parser.add_argument("--unit-rows", type=int, default=256)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only-compare", action="store_true", help="the run is finished: compare")
    parser.add_argument("--also", type=Path, action="append", default=[], help="a run of score.py to take scores of")
    parser.add_argument("--without", default="", help="scores that the run goes without, with commas, and their rules")
    parser.add_argument("--set", dest="more", nargs=argparse.REMAINDER, default=[], help="more arguments of `internvl data clean`")
    chosen = parser.parse_args(arguments)
    clean_s = None if chosen.only_compare else _clean(chosen)
    result = _compared(chosen, clean_s)
    file = RESULTS / f"data_engine_{datetime.now(UTC):%Y%m%d_%H%M%S}.json"
    file.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print("\n".join(tables(result)))
    print(file, file=sys.stderr)
    return 0


def _clean(chosen: argparse.Namespace) -> float:
    """Seconds. Raises CalledProcessError when the run fails."""
    rules = [word for name in PRESETS for word in ("--preset", name)]
    if left_out := [name for name in chosen.without.split(",") if name]:
        rules = arguments_without(chosen.run.with_name(f"{chosen.run.name}-rules"), left_out)
    line = command(chosen.trial, chosen.run, unit_rows=chosen.unit_rows, workers=chosen.workers, more=[*rules, *chosen.more])
    started = time.perf_counter()
    subprocess.run([word for word in line if word != "--quiet"], check=True)
    return time.perf_counter() - started


def _compared(chosen: argparse.Namespace, clean_s: float | None) -> dict[str, Any]:
    truth = Truth(chosen.trial)
    together = same_group(truth, chosen.run)
    presets = {}
    for name in PRESETS:
        said = verdicts(truth, chosen.run, name)
        for run in chosen.also:
            said = added(truth, said, run, name)
        presets[name] = {
            "overall": verdict_table.overall(truth, said),
            "datasets": verdict_table.datasets(truth, said),
            "filters": list(verdict_table.lines(truth, said, together)),
        }
    return {
        "machine": {**describe(), **moment()},
        "trial": json.loads((chosen.trial / "truth" / "about.json").read_text("utf-8")),
        "clean_s": None if clean_s is None else round(clean_s, 1),
        "workers": chosen.workers,
        "speeds": _speeds(chosen.run),
        "operators": {run.name: _operators(run) for run in (chosen.run, *chosen.also)},
        "presets": presets,
    }


def _operators(run: Path) -> dict[str, Any]:
    """Their settings, hashes of weights included, as the run has them."""
    state = json.loads((run / "run.json").read_text("utf-8"))
    return {each["name"]: each["settings"] for each in state["operators"]}


def _speeds(run: Path) -> dict[str, dict[str, Any]]:
    """Wall time by operator; on a busy machine it is longer than what `operators` measures."""
    from internvl.pipelines.speeds import read_speeds

    return {
        each.name: {"rows": each.items, "seconds": round(each.seconds, 2), "rows_per_s": round(each.items_per_second, 1)}
        for each in read_speeds(run)
    }


if __name__ == "__main__":
    sys.exit(main())
