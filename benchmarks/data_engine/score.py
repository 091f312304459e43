"""Score a trial with some models alone, in a run of its own: what `judge --also` adds to a run that went without them.

python -m benchmarks.data_engine.score --trial runs/trial --run runs/trial-scores --scores watermark,aesthetic
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.data_engine.written import inputs
from recipes.nano.data.progress import counting


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_engine.score", description="Score with some models alone.")
    parser.add_argument("--trial", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run; gone on with where there is one")
    parser.add_argument("--scores", default="watermark,aesthetic")
    parser.add_argument("--rows", type=int, help="of each data set, the first files that have so many together; all unless you say")
    parser.add_argument("--workers", type=int, default=1)
    chosen = parser.parse_args(arguments)
    _score(chosen)
    return 0


def _score(chosen: argparse.Namespace) -> None:
    from internvl.pipelines.clean.scoring import operators_for
    from internvl.pipelines.run import RunConfig, RunProgress, run

    models = operators_for(chosen.scores.split(","))[len(operators_for(())) :]
    config = RunConfig(inputs=tuple(_inputs(chosen)), out=chosen.run, workers=chosen.workers)
    done = 0
    with counting(100, 0, quiet=False) as advance:

        def told(state: RunProgress) -> None:
            nonlocal done
            while done < 100 * state.rows_done // max(1, state.rows):
                done += 1
                advance()

        run(config, models, progress=told)


def _inputs(chosen: argparse.Namespace) -> list[str]:
    """All data, or the first file of each data set, a thousand rows each."""
    if chosen.rows is None:
        return inputs(chosen.trial)
    first = [sorted(Path(name).parent.glob(Path(name).name))[: -(-chosen.rows // 1000)] for name in inputs(chosen.trial) if "*" in name]
    return [str(file) for files in first for file in files]


if __name__ == "__main__":
    sys.exit(main())
