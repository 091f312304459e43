"""How far a run is: what the runner tells whoever shows it, after every batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The state of this process's share.

    done, of total: samples, those of earlier runs included. failed: of these. resumed: how many were there at the start.
    score: mean of the samples' scores times the task's scale, which for most benchmarks is the number to come; None at first, and
    where no right answer is published.
    """

    title: str
    done: int
    total: int
    failed: int = 0
    resumed: int = 0
    score: float | None = None


ProgressCallback: TypeAlias = Callable[[Progress], None]
