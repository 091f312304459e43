"""A run that is killed again and again gives, file for file, what an undisturbed one gives."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pipe_run_parts import DropOdd, Measure, unit_bytes, write_captions

from internvl.pipelines.run import RunConfig, run

pytest.importorskip("pyarrow")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9")

SCRIPT = """
import sys
from pathlib import Path
from pipe_run_parts import DropOdd, Measure
from internvl.pipelines.run import RunConfig, run
config = RunConfig(inputs=(sys.argv[1],), out=Path(sys.argv[2]), unit_rows=4)
run(config, [Measure(pause_s=0.01), DropOdd()], progress=lambda state: print(state.units_done, flush=True))
"""


def killed(captions: Path, out: Path, lines: int, after_s: float) -> int:
    """Start the run and kill it some time after so many lines of its progress; how many units were done at the last of them."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    words = [sys.executable, "-c", SCRIPT, str(captions), str(out)]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        done = [child.stdout.readline() for _ in range(lines)]
        time.sleep(after_s)
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    return int(done[-1])


def test_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    captions = write_captions(tmp_path / "in", 120)
    report = run(RunConfig(inputs=(captions,), out=tmp_path / "whole", unit_rows=4), [Measure(), DropOdd()])
    moments = random.Random(os.getpid())
    for _ in range(3):
        lines, after_s = moments.randint(1, 8), moments.uniform(0.0, 0.03)
        done = killed(captions, tmp_path / "out", lines, after_s)
    again = run(RunConfig(inputs=(captions,), out=tmp_path / "out", unit_rows=4), [Measure(), DropOdd()])
    assert done <= again.units_before < again.units == 30
    assert unit_bytes(tmp_path / "out") == unit_bytes(tmp_path / "whole")
    assert again.by_kind == report.by_kind
    for name in ("run.json", "ledger.jsonl", "plan.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["rows"] == 120
