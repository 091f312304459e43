"""Units on Ray Data: several processes of this machine, or the machines of a cluster.

    pending units --map stage for each group of operators with like resources--> files of units; here arrive numbers only

    [read, operators on CPUs] --Arrow IPC bytes--> [operators on a GPU] --Arrow IPC bytes--> [operators on CPUs, write]

Each stage is a pool of actors that load their models once. Inputs and the run's folder must be seen by all machines.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from internvl.errors import MissingDependencyError
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.operator import Operator, Resources
from internvl.pipelines.plan import Plan
from internvl.pipelines.ray_stages import cause_of, work_of
from internvl.pipelines.worker import Job, UnitDone

MOST_BLOCKS = 10_000
"""Ray Data keeps a record of each block of units; beyond this many, a block has several units."""

UNITS_AHEAD = 2
_STORE_BYTES, _STORE_BYTES_OF_STAGES = 128 << 20, 1 << 30
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_DISABLE_PROGRESS_BARS": "1", "RAY_BACKEND_LOG_LEVEL": "fatal"}

# Workers would have the lowest priority, and next to nothing on a machine that does anything else; and as many would be started
# as there are CPUs, beside the actors, with nothing to do.
_SYSTEM = {"worker_niceness": 0, "prestart_worker_first_driver": False, "enable_worker_prestart": False}


def work_on_ray(job: Job, plan: Plan, pending: Sequence[int], *, workers: int, address: str | None) -> Iterator[UnitDone]:
    """Do the pending units, in any order, with `workers` actors a stage; fewer on GPUs where there are fewer.

    address: None starts Ray on this machine and stops it afterwards; "auto", "ray://host:port" or "host:port" joins a cluster.
    Raises MissingDependencyError without Ray, PipelineError when the resources that an operator needs are not there.
    """
    if not pending:
        return
    ray = _imported()
    stages = group_operators(job.operators)
    with _connected(ray, stages, workers, address) as available:
        counts = [_actors(stage, workers, available) for stage in stages]
        try:
            yield from _streamed(ray, job, plan, pending, stages, counts)
        except ray.exceptions.RayError as error:
            raise cause_of(error, job.out) from error


def group_operators(operators: Sequence[Operator]) -> list[tuple[Operator, ...]]:
    """Neighbours that need no GPU, or the same part of one, share a stage. Without operators there is one empty stage."""
    return [tuple(group) for _, group in groupby(operators, key=lambda each: each.resources.gpus)] or [()]


def needs_of(stage: Sequence[Operator]) -> Resources:
    """What one actor of a stage needs: its operators work one after the other."""
    return Resources(
        cpus=max((each.resources.cpus for each in stage), default=1.0), gpus=max((each.resources.gpus for each in stage), default=0.0)
    )


def _streamed(
    ray: Any, job: Job, plan: Plan, pending: Sequence[int], stages: Sequence[Sequence[Operator]], counts: Sequence[int]
) -> Iterator[UnitDone]:
    """Run the stages over the units; what arrives is a few numbers a unit."""
    dataset = ray.data.from_blocks(plan.tables(pending, MOST_BLOCKS))
    for place, (stage, count) in enumerate(zip(stages, counts, strict=True)):
        work, arguments = work_of(place, stages, job)
        needs = needs_of(stage)
        dataset = dataset.map_batches(
            work,
            fn_constructor_args=arguments,
            batch_size=1,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=UNITS_AHEAD),
            num_cpus=needs.cpus,
            num_gpus=needs.gpus or None,
        )
    for row in dataset.iter_rows():
        yield UnitDone(row["unit"], row["rows"], row["dropped"])


def _imported() -> Any:
    try:
        with _environment():
            import ray
            import ray.data
    except ImportError as error:
        raise MissingDependencyError("several workers, or a cluster, need Ray: pip install 'internvl[pipelines]'") from error
    return ray


@contextlib.contextmanager
def _connected(ray: Any, stages: Sequence[Sequence[Operator]], workers: int, address: str | None) -> Iterator[dict[str, float]]:
    """The resources of the cluster while we are connected. What is stopped afterwards is only what we started."""
    if ray.is_initialized():
        _quiet(ray)
        yield ray.cluster_resources()
        return
    folder = tempfile.mkdtemp(prefix="internvl-ray-", dir="/tmp" if os.path.isdir("/tmp") else None) if address is None else None
    try:
        with _environment():
            own = {"log_to_driver": False, "logging_level": logging.CRITICAL}
            if folder is None:
                ray.init(address=address, **own)
            else:
                _start(ray, stages, workers, folder, own)
        _quiet(ray)
        yield ray.cluster_resources()
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _start(ray: Any, stages: Sequence[Sequence[Operator]], workers: int, folder: str, own: dict[str, Any]) -> None:
    """Ray on this machine: as many CPUs as the actors take, a small store, no dashboard, no reports."""
    cpus = sum(workers * needs_of(stage).cpus for stage in stages)
    ray.init(
        address="local",
        # Ray counts, it does not measure: actors that together want more than it was told would wait for ever.
        num_cpus=math.ceil(cpus),
        object_store_memory=_STORE_BYTES if len(stages) == 1 else _STORE_BYTES_OF_STAGES,
        include_dashboard=False,
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(_own_paths())}},
        _temp_dir=folder,
        _system_config=_SYSTEM,
        **own,
    )


def _own_paths() -> list[str]:
    """Folders that this process imports from and a new one would not: operators may be defined there."""
    installed = (sys.prefix, sys.base_prefix)
    return [os.path.abspath(path) for path in sys.path if not os.path.abspath(path).startswith(installed)]


def _quiet(ray: Any) -> None:
    """No bars and no reports of Ray's own between ours."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)


def _actors(stage: Sequence[Operator], workers: int, available: dict[str, float]) -> int:
    """How many actors a stage gets. Raises PipelineError where not even one fits: Ray would wait for ever."""
    needs = needs_of(stage)
    named = ", ".join(each.name for each in stage)
    for what, amount in (("CPU", needs.cpus), ("GPU", needs.gpus)):
        if amount > available.get(what, 0.0):
            raise PipelineError(f"{named}: a worker needs {amount:g} {what}s, and there are {available.get(what, 0.0):g}")
    return workers if not needs.gpus else min(workers, int(available["GPU"] / needs.gpus))


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """Ray's switches that are environment variables, for the time they are looked at; what the user has set stays."""
    added = {name: value for name, value in _QUIET.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
