"""Rows a second of processor time: every metric that scores one answer, and the whole verb `internvl score` with its files.

    python -m benchmarks.metric_speed [--rows 100000] [--only anls,exact_match] [--out build/metric_speed.json]

Answers are drawn from a seed: right, nearly right, chatty and wrong ones, so that no metric is measured on its shortest path alone.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, moment

from internvl.eval.metrics import METRICS
from internvl.eval.score import RowScorer

WORDS = "the total amount of red invoice 1,250 $3.14 two dogs isn't 28% Coca-Cola station number 42 north street none".split()  # noqa: SIM905
OPTIONS = {"A": "a red apple", "B": "two cats", "C": "the blue sky", "D": "nothing of these"}
EXTRA = {
    "category": "Doc-oriented VQA",
    "choices": OPTIONS,
    "options": OPTIONS,
    "index2ans": OPTIONS,
    "height": 480,
    "width": 640,
}
# Metrics whose references or options have a form of their own.
REFERENCES: dict[str, Any] = {"refcoco_iou50": [64, 96, 320, 288], "mvbench_check_ans": "(B) two cats", "mathvista_post_check": "42"}
PREDICTIONS = {"refcoco_iou50": "<ref>cat</ref><box>[[100, 200, 500, 600]]</box>"}


def main() -> None:
    """Measure, print a table, and store the rows."""
    arguments = parsed()
    date, machine = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()), describe() | {"before": moment()}
    names = [name for name, metric in METRICS.items() if metric.arguments[0].kind.name == "a text"]
    chosen = arguments.only.split(",") if arguments.only else names
    results = [measured(name, arguments.rows) for name in chosen]
    results.append(verb(arguments.rows))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    row = {"date": date, "machine": machine, "rows": arguments.rows, "results": results}
    arguments.out.write_text(json.dumps(row, indent=1) + "\n", "utf-8")
    print(f"-> {arguments.out}")


def measured(name: str, count: int) -> dict[str, Any]:
    """Seconds that a metric takes for rows that are in memory."""
    rows, scorer = list(rows_for(name, count)), RowScorer(name)
    start, busy = time.perf_counter(), time.process_time()
    for row in rows:
        scorer.score(row, "row")
    return reported(name, count, time.perf_counter() - start, time.process_time() - busy)


def verb(count: int) -> dict[str, Any]:
    """Seconds from the start of the interpreter to the last line of a file of scores."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "rows.jsonl", Path(folder) / "scores.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows_for("anls", count)), "utf-8")
        start, busy = time.perf_counter(), children_seconds()
        subprocess.run([sys.executable, "-m", "internvl", "score", "anls", "--in", source, "--out", target], check=True)
        seconds, cpu_seconds = time.perf_counter() - start, children_seconds() - busy
    return reported("internvl score anls (files)", count, seconds, cpu_seconds)


def rows_for(name: str, count: int) -> Iterator[dict[str, Any]]:
    """The same rows for the same name and count."""
    draw = random.Random(name)
    extra = EXTRA | ({"choices": list(OPTIONS)} if name == "mmmu_parse_mc" else {})
    if name.startswith("mathvista"):
        extra = {"question_type": "free_form", "answer_type": "integer"}
    for number in range(count):
        gold = " ".join(draw.choices(WORDS, k=draw.randint(1, 4)))
        said = draw.choice([gold, gold.upper(), gold[:-1] + "x", f"The answer is {gold}.", draw.choice("ABCD"), draw.choice(WORDS)])
        reference = REFERENCES.get(name, [gold] * 8 + draw.choices(WORDS, k=2))
        yield {"id": number, "prediction": PREDICTIONS.get(name, said), "reference": reference, "extra": extra}


def reported(name: str, count: int, seconds: float, cpu_seconds: float) -> dict[str, Any]:
    """Rates are of processor time, which a busy machine changes little; seconds are those of the clock."""
    rate = round(count / cpu_seconds)
    print(f"{name:32} {count:>9,} rows {seconds:8.2f} s {cpu_seconds:8.2f} s CPU {rate:>10,} rows/s", flush=True)
    return {"metric": name, "seconds": round(seconds, 3), "cpu_seconds": round(cpu_seconds, 3), "rows_per_cpu_s": rate}


def children_seconds() -> float:
    """Processor time of the processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", default="", help="names separated by commas")
    parser.add_argument("--out", type=Path, default=Path("build/metric_speed.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
