"""What a figure was measured on: processor, memory bandwidth at that moment, load, versions, commit."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

PROBE_BYTES = 512 << 20


def describe() -> dict[str, Any]:
    """Hardware, versions and commit; all that a row needs to be read a year later."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(_memory_kib("MemTotal") / 2**20, 1),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in ("internvl", "torch", "transformers")},
        "commit": _commit(),
    }


def moment() -> dict[str, float]:
    """Load average of the last minute and read bandwidth: what the machine could give just now."""
    return {"load_1m": round(os.getloadavg()[0], 2), "read_gb_per_s": round(read_bandwidth(), 1)}


def read_bandwidth(*, repeats: int = 5) -> float:
    """GB/s of summing 512 MiB with all threads of torch, the best of `repeats`: the ceiling of decoding, which reads every weight."""
    import torch  # here, so that processes that only tell their memory don't hold it

    numbers = torch.ones(PROBE_BYTES // 8, dtype=torch.int64)
    best = 0.0
    for _ in range(repeats):
        started = time.perf_counter()
        numbers.sum()
        best = max(best, PROBE_BYTES / (time.perf_counter() - started) / 1e9)
    return best


def peak_memory_mb(process: int | str = "self") -> float:
    """The most memory a process (this one, or the one of that id) ever held resident, mapped files included (Linux)."""
    # Not ru_maxrss: a child starts with its parent's there.
    return _status_kib(Path(f"/proc/{process}/status"), "VmHWM") / 1024


def process_age_s() -> float:
    """Seconds since this process began, whatever was waited for before it (Linux)."""
    began = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began


def _memory_kib(field: str) -> int:
    return _status_kib(Path("/proc/meminfo"), field)


def _status_kib(path: Path, field: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    return 0


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "src") else ""
    return (git("rev-parse", "--short", "HEAD") or "unknown") + changed
