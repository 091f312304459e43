"""The loop: take the micro-batches of a step, compute, judge, step, note, now and then evaluate and save; nothing else.

    Run (parts made ready by `trainer`, or by a test) --train_loop--> TrainResult, OUT/log.jsonl, OUT/checkpoints/

Everything that decides how the loop goes on is the same number on all ranks, so no rank waits for one that has gone another way.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import torch

from internvl.data.batch import Batch
from internvl.data.ledger import Ledger
from internvl.errors import ConfigError, NumericError
from internvl.train.callbacks import Callback, TrainResult
from internvl.train.config import TrainConfig
from internvl.train.continuation import check_continues, config_facts
from internvl.train.ema import RunningMean
from internvl.train.evaluation import evaluating
from internvl.train.flops import counter_of, peak_of
from internvl.train.guard import Guard
from internvl.train.interrupt import Interrupt
from internvl.train.journal import Journal
from internvl.train.meters import Meters, StepRecord, peak_memory_gb
from internvl.train.parallel import Spread, World
from internvl.train.progress import Reporter
from internvl.train.run_state import Changing, Resumable, last_checkpoint, read_facts, restore_run, save_run
from internvl.train.schedule import rate_factor
from internvl.train.step import Sums, accumulate, clip, gradient_norm, micro_batches, set_rates, take
from internvl.train.trackers import Tracker

_SHOWN_ORIGINS = 8


class Data(Resumable, Protocol):
    """Batches of this rank, and where they are."""

    def __iter__(self) -> Iterator[Batch]: ...


@dataclass(kw_only=True)
class Run:
    """All parts of a run. `allow`: fields whose change since the checkpoint is accepted (see `continuation`)."""

    config: TrainConfig
    spread: Spread
    optimizer: torch.optim.Optimizer
    data: Data
    total_steps: int
    ema: RunningMean | None = None
    ledger: Ledger | None = None
    callbacks: Sequence[Callback] = ()
    trackers: Sequence[Tracker] = ()
    reporter: Reporter | None = None
    allow: Collection[str] = ()
    evaluations: dict[str, float] = field(default_factory=dict)

    @property
    def world(self) -> World:
        """The ranks."""
        return self.spread.world

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are."""
        return self.config.out / "checkpoints"

    @cached_property
    def state(self) -> Changing:
        """What a checkpoint keeps."""
        guard = Guard(on_nan=self.config.on_nan, spike_factor=self.config.spike_factor)
        return Changing(module=self.spread.module, optimizer=self.optimizer, data=self.data, guard=guard, ema=self.ema)

    @cached_property
    def learning(self) -> list[torch.nn.Parameter]:
        """The parameters that learn."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    @cached_property
    def voice(self) -> Reporter:
        """Where sentences go."""
        return self.reporter or Reporter(self.total_steps, every=self.config.log_every, quiet=True)


def train_loop(run: Run) -> TrainResult:
    """Train from the last complete checkpoint in OUT, or from the start, to `total_steps`, a signal, or the end of the data.

    Raises ConfigError when the config no longer fits the checkpoint, NumericError when the guard ends the run.
    """
    started = time.monotonic()
    begun = _resume(run)
    journal = Journal(run.config.out / "log.jsonl" if run.world.is_first else None)
    journal.begin(begun)
    stepper = _Stepper(run)
    run.voice.begin(begun)
    try:
        with Interrupt() as interrupt:
            step, stopped_by, loss = _steps(run, begun, stepper, journal, interrupt)
    finally:
        run.voice.end()
    return TrainResult(
        step=step,
        total_steps=run.total_steps,
        loss=loss,
        out=run.config.out,
        stopped_by=stopped_by,
        checkpoint=last_checkpoint(run.checkpoints),
        dropped=stepper.dropped,
        skipped=run.state.guard.skipped,
        seconds=time.monotonic() - started,
        evaluations=dict(run.evaluations),
    )


def _steps(run: Run, begun: int, stepper: _Stepper, journal: Journal, interrupt: Interrupt) -> tuple[int, str, float | None]:
    """Do the steps that are left; gives how many are done then, why it ended early ("" if it did not), and the last loss."""
    step = saved = begun
    stopped_by, loss = "", None
    while step < run.total_steps and not stopped_by:
        record = stepper.step(step)
        if record is None:
            stopped_by = "the data ended"
            break
        step, loss = record.step, record.loss
        _note(run, record, journal, stepper.meters)
        stopped_by = _agreed_signal(run.world, interrupt) if step < run.total_steps else ""
        if step == run.total_steps or (_due(run.config.eval_every, step) and not stopped_by):
            _evaluate(run, step, journal)
        if _due(run.config.save_every, step):
            saved = _save(run, step)
    if step != saved:
        _save(run, step)
    return step, stopped_by, loss


class _Stepper:
    """Does the steps, and remembers what a step itself needs of the ones before."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.count = micro_batches(run.config, run.world)
        self.batches = iter(run.data)
        self.counter = counter_of(run.spread.module.model, run.config.objective, masking=run.config.patch_masking)
        device = run.world.device
        peak = peak_of(torch.cuda.get_device_name(device)) if device.type == "cuda" and run.config.precision == "bf16" else None
        self.meters = Meters(peak=None if peak is None else peak * run.world.size)
        self.dropped = 0

    def step(self, done: int) -> StepRecord | None:
        """Do step number `done` (from 0); None when the data of any rank have ended."""
        run, config = self.run, self.run.config
        start = time.monotonic()
        batches = take(self.batches, self.count)
        waited = time.monotonic() - start
        if run.world.any(len(batches) < self.count):
            return None
        run.optimizer.zero_grad(set_to_none=True)
        buffers = [(buffer, buffer.clone()) for buffer in run.spread.module.buffers()]
        sums = accumulate(run.spread, batches, global_average=config.global_loss_average, counter=self.counter)
        norm = gradient_norm(run.learning)
        verdict = run.state.guard.judge(sums.loss, norm)
        if verdict.action == "stop":
            self._stop(done + 1, verdict.reason, batches)
        rate = config.optim.lr * rate_factor(done, run.total_steps, config.optim)
        if verdict.action == "take":
            clip(run.learning, norm, config.optim.clip_norm)
            set_rates(run.optimizer, rate)
            run.optimizer.step()
            if run.ema is not None:
                run.ema.update()
        else:
            for buffer, before in buffers:  # what an objective remembers must not keep a nan
                buffer.copy_(before)
        return self._record(done + 1, sums, rate, norm, waited, time.monotonic() - start, verdict.reason)

    def _record(self, step: int, sums: Sums, rate: float, norm: float, waited: float, seconds: float, skipped: str) -> StepRecord:
        ledger, world = self.run.ledger, self.run.world
        dropped, wait = world.sum([float(ledger.dropped if ledger else 0), waited])
        self.dropped = round(dropped)
        record = StepRecord(
            step=step, loss=sums.loss, parts=sums.parts, lr=rate, grad_norm=norm, tokens=sums.tokens, tiles=sums.tiles,
            sequences=sums.sequences, predicted=sums.predicted, seconds=seconds, wait_s=wait / world.size,
            operations=sums.operations, dropped=self.dropped, skipped=skipped,
        )  # fmt: skip
        self.meters.add(record)
        return record

    def _stop(self, step: int, reason: str, batches: Sequence[Batch]) -> None:
        """All ranks are here: the guard judges the same numbers everywhere."""
        own = [str(origin) for batch in batches for origin in batch.origins]
        origins = [each for of_rank in self.run.world.all_of(own) for each in of_rank]
        shown = ", ".join(origins[:_SHOWN_ORIGINS]) + (
            f" and {len(origins) - _SHOWN_ORIGINS} more" if len(origins) > _SHOWN_ORIGINS else ""
        )
        good = last_checkpoint(self.run.checkpoints)
        raise NumericError(
            f"step {step}: {reason}; its records are {shown or 'unknown'}. "
            + (f"The last good checkpoint is {good}" if good else "There is no checkpoint yet")
            + "; look at the records, lower the rate, or set on_nan='skip'"
        )


def _resume(run: Run) -> int:
    """Go on from the last complete checkpoint, if there is one; gives its step."""
    checkpoint = last_checkpoint(run.checkpoints)
    if checkpoint is None:
        return 0
    facts = read_facts(checkpoint)
    check_continues(
        facts["config"], run.config, step=facts["step"], saved_total=facts["total_steps"], total=run.total_steps, allow=run.allow
    )
    if facts["world"] != run.world.size and "world" not in run.allow:
        raise ConfigError(
            f"the run in {run.config.out} was saved by {facts['world']} processes, now there are {run.world.size}: the position in the "
            "data belongs to each process. Start as many as before, or allow 'world', which begins the data from their start"
        )
    step = restore_run(run.state, checkpoint, world=run.world)
    run.voice.say(f"going on after step {step} from {checkpoint}")
    return step


def _save(run: Run, step: int) -> int:
    facts = {"config": config_facts(run.config), "total_steps": run.total_steps}
    save_run(run.state, run.checkpoints, step=step, world=run.world, facts=facts, keep=run.config.keep_checkpoints)
    return step


def _note(run: Run, record: StepRecord, journal: Journal, meters: Meters) -> None:
    memory = peak_memory_gb(run.world.device)
    values = record.values() | ({} if memory is None else {"memory_gb": round(memory, 3)})
    journal.write(values)
    speeds = meters.speeds()
    run.voice.step(record.step, values | speeds, time_left_s=meters.time_left_s(run.total_steps - record.step))
    if record.skipped:
        run.voice.say(f"step {record.step} was skipped: {record.skipped}")
    if _due(run.config.log_every, record.step):
        _track(run, values | speeds, record.step)
    for callback in run.callbacks:
        callback.on_step(record)


def _evaluate(run: Run, step: int, journal: Journal) -> None:
    found: dict[str, float] = {}
    with evaluating(run.spread, run.ema):
        for callback in run.callbacks:
            found |= callback.on_evaluate(run.spread, step)
    if found:
        journal.write({"step": step, **found})
        run.voice.say(f"evaluation after step {step}: " + ", ".join(f"{name} {value:.4f}" for name, value in found.items()))
        _track(run, found, step)
        run.evaluations.update(found)


def _track(run: Run, values: dict[str, object] | dict[str, float], step: int) -> None:
    numbers = {name: float(value) for name, value in values.items() if isinstance(value, int | float) and name != "step"}
    for tracker in run.trackers:
        tracker.log(numbers, step)


def _agreed_signal(world: World, interrupt: Interrupt) -> str:
    if not world.any(bool(interrupt.asked)):
        return ""
    return interrupt.asked or "a signal to another process"


def _due(every: int, step: int) -> bool:
    return every > 0 and step % every == 0
