"""What a step cost and how fast the run is: from counts and seconds to the numbers of the log.

StepRecord (loss, counts, seconds) -> Meters over the last steps -> tokens/s, tiles/s, MFU, memory, time left
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

WINDOW = 20  # steps that speeds are averaged over


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """One step over all ranks.

    step: counted from 1. loss: mean over the weight. parts: the objective's means. tokens, tiles, sequences: what was read.
    predicted: tokens with a label. seconds: of the whole step; wait_s: of these, waiting for data (mean of the ranks).
    operations: see `flops`. skipped: why the weights were left as they are, or "".
    """

    step: int
    loss: float
    lr: float
    grad_norm: float
    tokens: int
    tiles: int
    sequences: int
    predicted: int
    seconds: float
    wait_s: float = 0.0
    operations: float = 0.0
    dropped: int = 0
    skipped: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """As a line of the log."""
        line = {"step": self.step, "loss": self.loss, **self.parts, "lr": self.lr, "grad_norm": self.grad_norm}
        line |= {name: getattr(self, name) for name in ("tokens", "tiles", "sequences", "predicted", "dropped")}
        line |= {"seconds": round(self.seconds, 4), "wait_s": round(self.wait_s, 4)}
        return line | ({"skipped": self.skipped} if self.skipped else {})


class Meters:
    """Speeds over the last steps. peak: operations a second that all devices together could do, None if unknown."""

    def __init__(self, *, peak: float | None = None) -> None:
        self.peak = peak
        self._last: deque[StepRecord] = deque(maxlen=WINDOW)

    def add(self, record: StepRecord) -> None:
        """Take a step in."""
        self._last.append(record)

    def speeds(self) -> dict[str, float]:
        """tokens_per_s, tiles_per_s, step_s, tflops (10^12 operations a second) and, with a known peak, mfu. {} at first."""
        seconds = sum(record.seconds for record in self._last)
        if seconds <= 0:
            return {}
        operations = sum(record.operations for record in self._last) / seconds
        found = {
            "tokens_per_s": sum(record.tokens for record in self._last) / seconds,
            "tiles_per_s": sum(record.tiles for record in self._last) / seconds,
            "step_s": seconds / len(self._last),
            "tflops": operations / 1e12,
        }
        return found if self.peak is None else found | {"mfu": operations / self.peak}

    def time_left_s(self, steps_left: int) -> float | None:
        """Seconds that the rest will take at the present speed."""
        speeds = self.speeds()
        return speeds["step_s"] * steps_left if speeds else None


def peak_memory_gb(device: torch.device) -> float | None:
    """The most memory so far, in GiB: of the CUDA device, else of this process; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    if sys.platform == "win32":
        return None
    import resource

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(size) / (2**30 if sys.platform == "darwin" else 2**20)
