"""What a run over many more pairs takes: machines, days, storage, from the speeds and bytes of a run that was measured.

    finished run --measured_run--> Measured + Fleet (assumptions) + pairs --> Capacity: a line an operator, machines, bytes

Linear in the number of pairs, because operators look at one sample at a time. The search for duplicates, the one step that looks at all
of them, is told by its bytes alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy

from internvl.pipelines.clean.features import LAYOUT
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.folder import RUN_FILE, read_state
from internvl.pipelines.shard_index import INDEX_FILE
from internvl.pipelines.speeds import Speed, read_speeds
from internvl.pipelines.units import UNITS

SECONDS_A_DAY = 86_400
FEATURE_BYTES = sum(numpy.dtype(kind).itemsize * math.prod(shape) for kind, shape in LAYOUT.values()) + 16
"""Of each sample on disk while duplicates are looked for: its features, and a key with its row."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A finished run. rows: all of them. kept: those written as shards. speeds: of each step, on workers of one core.

    input_bytes: of the inputs' files. column_bytes: of the units with the scores. shard_bytes: of the kept samples as written.
    """

    rows: int
    kept: int
    speeds: tuple[Speed, ...]
    input_bytes: int
    column_bytes: int
    shard_bytes: int


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What is assumed. days: how long it may take. A machine has `cores`; GPU machines have `gpus`.

    utilisation: share of a day that they do measured work. on_gpu: samples a second of one GPU, by operator that runs there.
    slower: how many times longer than measured a real sample takes, by operator. pair_bytes: of a real pair as it is read.
    """

    days: float = 7.0
    cores: int = 64
    gpus: int = 8
    utilisation: float = 0.8
    on_gpu: Mapping[str, float] = field(default_factory=dict)
    slower: Mapping[str, float] = field(default_factory=dict)
    pair_bytes: float | None = None

    def __post_init__(self) -> None:
        given = {"days": self.days, "cores": self.cores, "gpus": self.gpus, "utilisation": self.utilisation}
        if self.pair_bytes is not None:
            given["pair_bytes"] = self.pair_bytes
        for name, value in (*given.items(), *self.on_gpu.items(), *self.slower.items()):
            if not 0 < value < math.inf:
                raise PipelineError(f"{name} must be a number above 0, not {value}")
        if self.utilisation > 1:
            raise PipelineError(f"utilisation is a share of at most 1, not {self.utilisation}")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operator. rate: samples a second of one core, or of one GPU. days: of one core, or one GPU, for all samples."""

    name: str
    gpu: bool
    samples: float
    rate: float
    days: float


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What it takes. Bytes are totals; read_bytes_s: what all machines read together; feature_bytes: see FEATURE_BYTES."""

    pairs: float
    kept: float
    steps: tuple[Step, ...]
    core_days: float
    gpu_days: float
    cpu_machines: int
    gpu_machines: int
    input_bytes: float
    column_bytes: float
    shard_bytes: float
    feature_bytes: float
    read_bytes_s: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measured_run(folder: str | Path, *, rules: str | None = None) -> Measured:
    """The figures of a finished run. rules: the folder of a cleaning run's shards, such as "stage1"; without it those of the run.

    Raises PipelineError for a folder without a run, without times, or without units.
    """
    place = Path(folder)
    state = read_state(place)
    if state is None:
        raise PipelineError(f"{place} holds no run: there is no {RUN_FILE} in it; run `internvl data clean` on a sample first")
    shards = _shards((place if rules is None else place / rules) / "shards" / INDEX_FILE)
    return Measured(
        rows=state["rows"],
        kept=sum(line["rows"] for line in shards),
        speeds=read_speeds(place),
        input_bytes=sum(each["bytes"] for each in state["inputs"]),
        column_bytes=sum(file.stat().st_size for file in (place / UNITS).glob("*.parquet")),
        shard_bytes=sum(line["bytes"] for line in shards),
    )


def capacity(measured: Measured, pairs: float, *, fleet: Fleet | None = None) -> Capacity:
    """What `pairs` take. Raises PipelineError for a run without samples, and for operators that it does not have."""
    fleet = fleet or Fleet()
    _check(measured, pairs, fleet)
    times = pairs / measured.rows
    steps = tuple(_step(speed, times, fleet) for speed in measured.speeds if speed.items)
    core_days, gpu_days = (math.fsum(step.days for step in steps if step.gpu is gpu) for gpu in (False, True))
    input_bytes = times * measured.input_bytes if fleet.pair_bytes is None else pairs * fleet.pair_bytes
    share = fleet.days * fleet.utilisation
    return Capacity(
        pairs=pairs,
        kept=times * measured.kept,
        steps=steps,
        core_days=core_days,
        gpu_days=gpu_days,
        cpu_machines=math.ceil(core_days / (share * fleet.cores)),
        gpu_machines=math.ceil(gpu_days / (share * fleet.gpus)),
        input_bytes=input_bytes,
        column_bytes=times * measured.column_bytes,
        # What is kept is copied as it came.
        shard_bytes=times * measured.shard_bytes * input_bytes / (times * measured.input_bytes),
        feature_bytes=pairs * FEATURE_BYTES,
        read_bytes_s=input_bytes / (share * SECONDS_A_DAY),
    )


def _check(measured: Measured, pairs: float, fleet: Fleet) -> None:
    if not 0 < pairs < math.inf:
        raise PipelineError(f"the number of pairs must be above 0, not {pairs}")
    if not measured.rows or not measured.input_bytes:
        raise PipelineError("a plan needs a run with samples: run `internvl data clean` on some thousand of them first")
    known = [speed.name for speed in measured.speeds]
    for name in (*fleet.on_gpu, *fleet.slower):
        if name not in known:
            raise PipelineError(f"the run has no operator {name!r}; it has {', '.join(known)}")


def _step(speed: Speed, times: float, fleet: Fleet) -> Step:
    on_gpu = fleet.on_gpu.get(speed.name)
    # Steps that took no measurable time cost nothing.
    rate = on_gpu or (speed.items_per_second or math.inf) / fleet.slower.get(speed.name, 1.0)
    samples = times * speed.items
    return Step(name=speed.name, gpu=on_gpu is not None, samples=samples, rate=rate, days=samples / rate / SECONDS_A_DAY)


def _shards(index: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in index.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise PipelineError(f"{index} is damaged: {error}") from error
