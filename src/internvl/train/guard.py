"""What happens to a step that went wrong: a loss or gradient that is no number, or a gradient far above what is usual.

    (loss, gradient norm) of all ranks -> Verdict: take the step, skip it, or stop the run

Both numbers are the same on every rank, so all ranks decide alike.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, TypeAlias

from internvl.errors import ConfigError

Action: TypeAlias = Literal["take", "skip", "stop"]

WINDOW = 64  # gradient norms that the median is of
SETTLED = 16  # norms before a median says anything
PATIENCE = 10  # skipped steps in a row after which a run is beyond help


@dataclass(frozen=True)
class Verdict:
    """What to do with a step, and why in a clause ("the loss is nan"); empty when it is taken."""

    action: Action
    reason: str = ""


class Guard:
    """Judges one step after the other. `spike_factor` 0 lets every finite gradient through."""

    def __init__(self, *, on_nan: Literal["stop", "skip"] = "stop", spike_factor: float = 0.0) -> None:
        if on_nan not in ("stop", "skip"):
            raise ConfigError(f"on_nan must be stop or skip, not {on_nan!r}")
        if spike_factor and not spike_factor > 1.0:
            raise ConfigError(f"spike_factor must be above 1, or 0 for never, not {spike_factor}")
        self.on_nan, self.spike_factor = on_nan, spike_factor
        self.skipped = 0
        self._in_a_row = 0
        self._norms: deque[float] = deque(maxlen=WINDOW)

    def judge(self, loss: float, norm: float) -> Verdict:
        """The verdict on a step. Norms of steps that are taken become part of the running median."""
        if not (math.isfinite(loss) and math.isfinite(norm)):
            reason = f"the loss is {loss} and the gradient norm {norm}"
            return Verdict("stop", reason) if self.on_nan == "stop" else self._skip(reason)
        usual = self.usual_norm
        if self.spike_factor and usual is not None and norm > self.spike_factor * usual:
            return self._skip(f"the gradient norm is {norm:.4g}, over {self.spike_factor:g} times its running median {usual:.4g}")
        self._norms.append(norm)
        self._in_a_row = 0
        return Verdict("take")

    @property
    def usual_norm(self) -> float | None:
        """Running median of the gradient norm; None while there are too few."""
        return median(self._norms) if len(self._norms) >= SETTLED else None

    def state_dict(self) -> dict[str, Any]:
        """What a continued run needs to judge alike."""
        return {"skipped": self.skipped, "in_a_row": self._in_a_row, "norms": list(self._norms)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.skipped, self._in_a_row = int(state["skipped"]), int(state["in_a_row"])
        self._norms = deque(map(float, state["norms"]), maxlen=WINDOW)

    def _skip(self, reason: str) -> Verdict:
        self.skipped += 1
        self._in_a_row += 1
        if self._in_a_row >= PATIENCE:
            return Verdict("stop", f"{PATIENCE} steps in a row were skipped; of the last, {reason}")
        return Verdict("skip", reason)
