"""Runs on Ray, on this machine: two workers give what one gives, files and all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from pipe_run_parts import DropOdd, Measure, Pages, unit_bytes, write_captions

from internvl.data.record import Origin
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.flow import from_bytes, to_bytes
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.operator import Resources
from internvl.pipelines.plan import Plan, make_plan
from internvl.pipelines.ray import group_operators, needs_of
from internvl.pipelines.ray_stages import cause_of, work_of
from internvl.pipelines.reading.slices import ReadOptions
from internvl.pipelines.run import RunConfig, RunProgress, run
from internvl.pipelines.source import find_inputs
from internvl.pipelines.steps import Clock, Sample
from internvl.pipelines.worker import Job

pyarrow = pytest.importorskip("pyarrow")


def test_samples_between_stages_are_the_same_behind(tmp_path: Path) -> None:
    first = Item(origin=Origin("d", "f", 1), image=b"\x89PNG", text="最初", fields={"a": [1, {"b": None}], "c": 0.1})
    chunks = [[Sample(first)], [Sample(Item(origin=Origin("d", "f", 2)), Drop("too short: 0 words"))], []]
    clock = Clock({"(read)": 0.5}, {"(read)": 2})
    assert from_bytes(to_bytes(iter(chunks), clock)) == (chunks, clock)


def test_neighbours_of_like_resources_share_a_stage() -> None:
    cpu, wide, gpu = Measure(), Measure(name="wide", resources=Resources(cpus=2)), Measure(name="gpu", resources=Resources(gpus=1))
    assert [[each.name for each in stage] for stage in group_operators([cpu, wide, gpu, cpu])] == [
        ["measure", "wide"],
        ["gpu"],
        ["measure"],
    ]
    assert needs_of((cpu, wide)) == Resources(cpus=2)
    assert needs_of((gpu,)) == Resources(cpus=1, gpus=1)
    assert (group_operators([]), needs_of(())) == ([()], Resources())


def operators(**settings: Any) -> list[Any]:
    return [DropOdd(), Pages(**settings), Measure()]


class Careless(DropOdd):
    """Loses what it is given."""

    def open(self) -> Any:
        return lambda items: []


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An input and the folder of its run in this process."""
    folder = tmp_path_factory.mktemp("one")
    captions = write_captions(folder / "in", 40)
    run(RunConfig(inputs=(captions,), out=folder / "out", unit_rows=8, keep_images=True), operators())
    return captions, folder / "out"


def job_of(captions: Path, out: Path, steps: list[Any]) -> tuple[Job, Plan]:
    """What workers get for a run whose units are all to be done."""
    options = ReadOptions()
    files = find_inputs([captions], options)
    (out / "units").mkdir(parents=True)
    job = Job(files=files, options=options, operators=tuple(steps), out=out, keep_images=True)
    return job, make_plan(files, options, 8, out)


@pytest.mark.parametrize("gpus", [(0, 0, 0), (0, 1, 0), (1, 0, 2)])
def test_any_number_of_stages_gives_the_same_files(one: tuple[Path, Path], tmp_path: Path, gpus: tuple[int, ...]) -> None:
    captions, out = one
    steps = [each.__class__(resources=Resources(gpus=count)) for each, count in zip(operators(), gpus, strict=True)]
    job, plan = job_of(captions, tmp_path, steps)
    stages = group_operators(steps)
    assert len(stages) == (3 if any(gpus) else 1)
    works = [kind(*arguments) for kind, arguments in (work_of(place, stages, job) for place in range(len(stages)))]
    done = []
    for table in plan.tables([4, 0, 2, 1, 3], 3):
        batch: Any = table
        for work in works:
            batch = work(batch if isinstance(batch, pyarrow.Table) else pyarrow.table(batch))
        done += [int(number) for number in batch["unit"]]
    assert done == [4, 0, 2, 1, 3]
    assert unit_bytes(tmp_path) == unit_bytes(out)
    assert not list((tmp_path / "units").glob(".*"))


def test_a_unit_that_brings_down_its_worker_is_named(one: tuple[Path, Path], tmp_path: Path) -> None:
    job, plan = job_of(one[0], tmp_path, operators())
    kind, arguments = work_of(0, [operators()], job)
    (tmp_path / "units" / ".000001.tries.part").write_bytes(b"...")
    with pytest.raises(PipelineError, match="unit 1 has brought down its worker 3 times"):
        kind(*arguments)(plan.tables([1], 1)[0])


def test_errors_of_workers_are_found_behind_rays(one: tuple[Path, Path], tmp_path: Path) -> None:
    job, plan = job_of(one[0], tmp_path, [Careless()])
    kind, arguments = work_of(0, [[Careless()]], job)
    with pytest.raises(PipelineError) as caught:
        kind(*arguments)(plan.tables([0], 1)[0])
    assert str(cause_of(RuntimeError("a long text"), tmp_path)) == str(caught.value)
    text = "Traceback:\n  File x\nModuleNotFoundError: No module named 'q'\n   ^^^^\nTo change retries, configure this."
    assert str(cause_of(RuntimeError(text), tmp_path / "none")) == "a worker failed: ModuleNotFoundError: No module named 'q'"
    with pytest.raises(PipelineError, match="install the same everywhere"):
        kind(job, "0.0.0")


def test_two_workers_equal_one_and_ray_is_stopped(one: tuple[Path, Path], tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    captions, out = one
    config = RunConfig(inputs=(captions,), out=tmp_path / "two", unit_rows=8, workers=2, keep_images=True)
    seen: list[RunProgress] = []
    report = run(config, operators(), progress=seen.append)
    assert (report.units, report.units_before, report.by_kind) == (5, 0, {"odd row": 16, "missing picture": 8})
    assert unit_bytes(tmp_path / "two") == unit_bytes(out)
    assert [each.units_done for each in seen] == list(range(6))
    assert not ray.is_initialized()


def test_a_cluster_that_is_there_is_joined_and_stays(one: tuple[Path, Path], tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    captions, out = one
    paths = {"env_vars": {"PYTHONPATH": str(Path(__file__).parent)}}
    # Paths of sockets are short; a folder of the test's own may be too long for them.
    place = tempfile.mkdtemp(prefix="ray-test-", dir="/tmp")
    config = {
        "_temp_dir": place,
        "include_dashboard": False,
        "log_to_driver": False,
        "_system_config": {"worker_niceness": 0, "enable_worker_prestart": False},
    }
    ray.init(address="local", num_cpus=3, num_gpus=1, object_store_memory=100 << 20, runtime_env=paths, **config)
    try:
        joined = RunConfig(inputs=(captions,), out=tmp_path / "gpu", unit_rows=8, workers=2, keep_images=True)
        run(joined, [DropOdd(), Pages(), Measure(resources=Resources(gpus=1))])
        assert unit_bytes(tmp_path / "gpu") == unit_bytes(out)
        with pytest.raises(PipelineError, match="pages: a worker needs 2 GPUs, and there are 1"):
            run(RunConfig(inputs=(captions,), out=tmp_path / "gpus", workers=2), operators(resources=Resources(gpus=2)))
        assert ray.is_initialized()
    finally:
        ray.shutdown()
        shutil.rmtree(place, ignore_errors=True)
