"""Make the trial: pictures of packages with planted faults, as a crawl would leave them, and the truth apart.

    python -m benchmarks.data_engine.make --out runs/trial --rows 20000
    python -m benchmarks.data_engine.make --draw-only          # render the pictures, once, into build/data_engine

Needs resvg-py, pyarrow, and the packages of recipes/nano (python -m recipes.nano.data.materials --use pictures, --use fonts).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.data_engine.distinct import distinct
from benchmarks.data_engine.drawn import Drawn, draw_all
from benchmarks.data_engine.labelled import Labelled, collection
from benchmarks.data_engine.rows import plan
from benchmarks.data_engine.written import write

CACHE = Path(__file__).resolve().parents[2] / "build" / "data_engine"
SEED = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_engine.make", description="Pictures with planted faults.")
    parser.add_argument("--out", type=Path, help="folder of the trial; must not exist or be empty")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the drawn pictures")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--draw-only", action="store_true", help="draw what is missing, make no trial")
    chosen = parser.parse_args(arguments)
    if chosen.out is None and not chosen.draw_only:
        parser.error("--out FOLDER is needed, or --draw-only")
    labelled = {each.key: each for each in collection()}
    pictures = _pictures(labelled, chosen.cache, chosen.processes)
    print(f"{len(pictures)} different pictures of {len(labelled)}", file=sys.stderr)
    if not chosen.draw_only:
        _make(labelled, pictures, chosen)
    return 0


def _pictures(labelled: dict[str, Labelled], cache: Path, processes: int) -> list[Drawn]:
    """The drawn pictures that differ, in an order that favours no source."""
    drawn = draw_all(labelled.values(), cache / "pictures", processes=processes)
    keys = [key for key in labelled if key in drawn]
    random.Random("order").shuffle(keys)
    return distinct([drawn[key] for key in keys])


def _make(labelled: dict[str, Labelled], pictures: list[Drawn], chosen: argparse.Namespace) -> None:
    started = time.perf_counter()
    trial = plan(labelled, pictures, chosen.rows, chosen.seed)
    datasets = write(trial, chosen.out)
    about = {
        "rows": len(trial.rows),
        "seed": chosen.seed,
        "datasets": datasets,
        "faults": dict(Counter(row.fault or "none" for row in trial.rows).most_common()),
        "sources": dict(Counter(row.source for row in trial.rows).most_common()),
        "languages": dict(Counter(row.caption_language for row in trial.rows).most_common()),
        "evaluation_pictures": len(trial.evaluation),
        "picture_bytes": sum(len(row.content) for row in trial.rows),
    }
    (chosen.out / "truth" / "about.json").write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(about, ensure_ascii=False, indent=2))
    print(f"made in {time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
