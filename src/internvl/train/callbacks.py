"""What a user may hang into a run: told of each step, asked at each evaluation, told of the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from internvl.train.meters import StepRecord
from internvl.train.parallel import Spread


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """How a run ended. stopped_by: the signal or the reason that ended it early, or "".

    loss: of the last step done by this process, None when there was none left to do. model, adapter: the folders written at the end.
    """

    step: int
    total_steps: int
    loss: float | None
    out: Path
    stopped_by: str = ""
    checkpoint: Path | None = None
    model: Path | None = None
    adapter: Path | None = None
    dropped: int = 0
    skipped: int = 0
    seconds: float = 0.0
    evaluations: dict[str, float] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.total_steps


class Callback:
    """Does nothing; override what is wanted. Every rank calls its callbacks, in the same order."""

    def on_step(self, record: StepRecord) -> None:
        """After each step. What it does to random numbers or weights changes the run."""

    def on_evaluate(self, spread: Spread, step: int) -> dict[str, float]:
        """Every `eval_every` steps and at the end, in evaluation mode without gradients; the numbers go into the log.

        `spread(batch)` gives Losses, `spread.module.model` is the model. On several ranks all must call `spread` equally often.
        """
        return {}

    def on_end(self, result: TrainResult) -> None:
        """When the run is over or interrupted, after everything is written."""
