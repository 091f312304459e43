"""Samples through operators, whatever goes on around them.

    Sample[n] --operator 1--> Sample[m] --operator 2--> ...        dropped samples stay in their places and are not worked on

The contract of an operator is checked here: one outcome an item, in order, with the origin it came with.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.operator import Operator, Outcome, Work


@dataclass(frozen=True)
class Sample:
    """An item and, once it is dropped, why. A dropped one keeps the fields it had."""

    item: Item
    drop: Drop | None = None


@dataclass
class Clock:
    """Seconds and items of each step of a unit."""

    seconds: dict[str, float] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def of(self, step: str, items: int = 0) -> Iterator[None]:
        """Add the time of a block to a step, and the items it worked on."""
        began = time.perf_counter()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - began
        self.items[step] = self.items.get(step, 0) + items


class Steps:
    """Opened operators. Opening is when models are loaded, so it waits for the first sample."""

    def __init__(self, operators: Sequence[Operator]) -> None:
        self._operators = tuple(operators)
        self._works: tuple[Work, ...] | None = None

    def open(self) -> None:
        """Load what the operators need."""
        if self._works is None:
            self._works = tuple(operator.open() for operator in self._operators)

    def apply(self, samples: Sequence[Sample], clock: Clock) -> list[Sample]:
        """The samples behind all operators."""
        self.open()
        passed = list(samples)
        for operator, work in zip(self._operators, self._works or (), strict=True):
            items = [sample.item for sample in passed if sample.drop is None]
            if items:
                with _threads(operator.resources.cpus), clock.of(operator.name, len(items)):
                    outcomes = _worked(operator, work, items)
                passed = list(_merged(operator, passed, outcomes))
        return passed


def _worked(operator: Operator, work: Work, items: list[Item]) -> list[Outcome]:
    try:
        outcomes = work(items)
    except Exception as error:
        ends = f"{items[0].origin} to {items[-1].origin}" if len(items) > 1 else str(items[0].origin)
        error.add_note(f"while the operator {operator.name!r} worked on {len(items)} samples, {ends}")
        raise
    if len(outcomes) != len(items):
        raise PipelineError(
            f"the operator {operator.name!r} gave {len(outcomes)} outcomes for {len(items)} samples, from {items[0].origin}"
        )
    return outcomes


def _merged(operator: Operator, samples: Sequence[Sample], outcomes: Sequence[Outcome]) -> Iterator[Sample]:
    """Outcomes in the places of the samples that were worked on."""
    each = iter(outcomes)
    for sample in samples:
        if sample.drop is not None:
            yield sample
            continue
        outcome = next(each)
        if isinstance(outcome, Drop):
            yield Sample(sample.item, outcome)
            continue
        items = outcome if isinstance(outcome, list) else [outcome]
        if not items or any(not isinstance(item, Item) or item.origin != sample.item.origin for item in items):
            told = f"the operator {operator.name!r} must give an Item, several, or a Drop, with the origin {sample.item.origin}"
            raise PipelineError(f"{told}; it gave {outcome!r:.200}")
        yield from (Sample(item) for item in items)


@contextmanager
def _threads(cpus: float) -> Iterator[None]:
    """As many of torch's threads as the operator asks for: with another number, sums come out in another order."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before, wanted = torch.get_num_threads(), max(1, int(cpus))
    if before != wanted:
        torch.set_num_threads(wanted)
    try:
        yield
    finally:
        if before != wanted:
            torch.set_num_threads(before)
