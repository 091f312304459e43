"""How long the search for duplicates takes on made hashes, and what that means for billions: the step that looks at all samples.

rows of random features, one in fifty a near copy --group_run's own matchers--> seconds, and seconds a row for 6e9 by the same count

python -m benchmarks.data_engine.duplicates --rows 1000000
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.data_engine.kills import RESULTS
from benchmarks.machine import describe, moment
from numpy.typing import NDArray

BITS, COLOURS = 6, 24.0  # of the preset stage2
COPIED = 50


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_engine.duplicates", description="Time the search for duplicates.")
    parser.add_argument("--rows", type=int, nargs="+", default=[250_000, 1_000_000])
    parser.add_argument("--pairs", type=float, default=6e9)
    chosen = parser.parse_args(arguments)
    runs = [_timed(rows) for rows in chosen.rows]
    result = {"machine": {**describe(), **moment()}, "bits": BITS, "runs": runs, "for": _for(runs[-1], chosen.pairs)}
    file = RESULTS / f"data_engine_duplicates_{datetime.now(UTC):%Y%m%d_%H%M%S}.json"
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({name: result[name] for name in ("runs", "for")}, indent=2))
    print(file, file=sys.stderr)
    return 0


def _timed(rows: int) -> dict[str, Any]:
    """CPU seconds of exact pixels, and of near looks."""
    from internvl.pipelines.clean.components import components
    from internvl.pipelines.clean.pairs import find_pairs
    from internvl.pipelines.clean.picture_groups import picture_matchers

    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        _write(place / "features", rows)
        matchers = picture_matchers(rows, bits=BITS, colours=COLOURS)
        told: dict[str, Any] = {"rows": rows, "sorts": len(matchers) - 1}
        for name, chosen in (("exact_s", matchers[:1]), ("near_s", matchers[1:])):
            cpu = time.process_time()
            members, _ = components(find_pairs(place / "features", chosen, place / "work", run_tasks=_here))
            told[name] = round(time.process_time() - cpu, 2)
            told[name.replace("_s", "_found")] = len(members)
    return told


def _for(run: dict[str, Any], pairs: float) -> dict[str, Any]:
    """The same work a row, in sorts and comparisons, for `pairs` rows: see `picture_groups.best_blocks`."""
    from internvl.pipelines.clean.picture_groups import best_blocks

    now, then = best_blocks(run["rows"], BITS), best_blocks(int(pairs), BITS)
    near_s = run["near_s"] / run["rows"] * pairs * _work(int(pairs), then) / _work(run["rows"], now)
    exact_s = run["exact_s"] / run["rows"] * pairs
    days = {"exact_core_days": round(exact_s / 86_400, 1), "near_core_days": round(near_s / 86_400, 1)}
    return {"pairs": pairs, "sorts": comb(then, BITS), **days}


def _work(rows: int, blocks: int) -> float:
    from internvl.pipelines.clean.picture_groups import _SORTING_COST, HASH_BITS

    return comb(blocks, BITS) * (_SORTING_COST + rows / 2 ** (HASH_BITS * (blocks - BITS) / blocks + 1))


def _write(folder: Path, rows: int) -> None:
    """Features as a run writes them: random hashes, and copies that differ in up to three bits."""
    from internvl.pipelines.clean.features import LAYOUT, WHOLE

    folder.mkdir()
    source = np.random.default_rng(1)
    arrays: dict[str, NDArray[Any]] = {}
    for name, (kind, shape) in LAYOUT.items():
        length = (rows, *shape)
        values = source.integers(0, 256, (*length, np.dtype(kind).itemsize), dtype=np.uint8)
        arrays[name] = values.view(kind).reshape(length) if kind not in ("?", "<f4") else np.zeros(length, kind)
    arrays["state"][:] = WHOLE
    copies = np.arange(COPIED, rows, COPIED)
    for name in ("signature", "shape"):
        arrays[name][copies] = arrays[name][copies - 1]
    flips = np.bitwise_or.reduce(np.uint64(1) << source.integers(0, 64, (len(copies), 3)).astype(np.uint64), axis=1)
    arrays["phash"][copies] = arrays["phash"][copies - 1] ^ flips
    for name, values in arrays.items():
        values.tofile(folder / f"{name}.bin")
    (folder / "features.json").write_text(json.dumps({"rows": rows, "total": rows}), "utf-8")


def _here(task: Any, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    return [task(*each) for each in arguments]


if __name__ == "__main__":
    sys.exit(main())
