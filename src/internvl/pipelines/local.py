"""Units in this process, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from internvl.pipelines.plan import Plan
from internvl.pipelines.worker import Job, UnitDone, Worker


def work_here(job: Job, plan: Plan, pending: Sequence[int]) -> Iterator[UnitDone]:
    """Do the pending units in order; one is in memory at a time."""
    worker = Worker(job)
    try:
        for number in pending:
            yield worker.do(plan.unit(number))
    finally:
        worker.close()
