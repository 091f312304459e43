"""A function called for many arguments: here, one after the other, or as Ray tasks where a run has workers or a cluster.

    function, [arguments, ...] -> [result, ...], in order

The folders that the arguments name must be seen by all machines of a cluster.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

from internvl.errors import MissingDependencyError

Task: TypeAlias = Callable[..., Any]
RunTasks: TypeAlias = Callable[[Task, Sequence[tuple[Any, ...]]], list[Any]]


@contextmanager
def tasks_for(*, workers: int = 1, address: str | None = None) -> Iterator[RunTasks]:
    """How tasks are run while the block lasts. workers: more than one starts Ray here; address: a cluster to join.

    Raises MissingDependencyError where Ray is asked for and not there.
    """
    if workers <= 1 and address is None:
        yield run_here
        return
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError("several workers or a cluster need Ray: pip install 'internvl[pipelines]'") from error
    ours = not ray.is_initialized()
    if ours:
        settings: dict[str, Any] = {"address": address} if address else {"num_cpus": workers, "include_dashboard": False}
        ray.init(logging_level=logging.ERROR, **settings)
    try:
        yield partial(_run_on_ray, ray)
    finally:
        if ours:
            ray.shutdown()


def run_here(task: Task, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """One after the other, in this process."""
    return [task(*each) for each in arguments]


def _run_on_ray(ray: Any, task: Task, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    remote = ray.remote(task)
    results: list[Any] = ray.get([remote.remote(*each) for each in arguments])
    return results
