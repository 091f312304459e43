"""From a config to a finished run: every part is made, put together, run, and its result written.

TrainConfig -> Subject (model, what learns, objective) -> data -> spread over ranks -> optimiser -> train_loop -> OUT/model
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace

from internvl.data.ledger import Ledger
from internvl.data.loader import TrainingData
from internvl.data.manifest import load_manifest
from internvl.errors import ConfigError, MissingDependencyError
from internvl.models.attention import flush_denormals
from internvl.train.callbacks import Callback, TrainResult
from internvl.train.config import TrainConfig
from internvl.train.continuation import config_facts
from internvl.train.ema import RunningMean
from internvl.train.journal import dropped_summary, read_journal
from internvl.train.loop import Run, train_loop
from internvl.train.objectives.module import TrainingModule
from internvl.train.optim import build_optimizer
from internvl.train.parallel import Spread, World, choose_kind, open_world
from internvl.train.plot import plot_losses
from internvl.train.progress import Reporter, clock
from internvl.train.random_state import seed_everything
from internvl.train.step import micro_batches
from internvl.train.subject import Subject, open_subject
from internvl.train.trackers import open_trackers


class Trainer:
    """One run. Start it again with the same `out` and it goes on where it was.

    callbacks: called beside the built-in evaluation on held-back records. allow: config fields that may differ from those the run
    was begun with. exact_match: also generate answers to held-back questions (one process). quiet: say nothing on stderr.
    """

    def __init__(
        self,
        config: TrainConfig,
        *,
        callbacks: Sequence[Callback] = (),
        allow: Collection[str] = (),
        exact_match: bool = False,
        quiet: bool = False,
    ) -> None:
        self.config = config
        self.callbacks = tuple(callbacks)
        self.allow = frozenset(allow)
        self.exact_match = exact_match
        self.quiet = quiet

    def run(self) -> TrainResult:
        """Train, or go on training, to the end, a signal, or the end of the data; write the model if the end was reached.

        Raises ConfigError, CheckpointError, ManifestError for what can't be; NumericError when the guard ends the run;
        MissingDependencyError for a tracker that is not installed.
        """
        with flush_denormals(), open_world() as world, ExitStack() as cleanup:
            micro_batches(self.config, world)
            subject = open_subject(self.config, world)
            reporter = Reporter(0, every=self.config.log_every, quiet=self.quiet or not world.is_first)
            run = self._assemble(subject, world, reporter)
            if world.is_first:
                run.trackers = open_trackers(self.config.trackers, self.config.out, config_facts(self.config))
            for tracker in run.trackers:
                cleanup.callback(tracker.close)
            result = train_loop(run)
            if result.finished:
                model, adapter = subject.export(run.spread, run.ema)
                result = replace(result, model=model, adapter=adapter)
            _conclude(run, result)
            for callback in run.callbacks:
                callback.on_end(result)
            return result

    def _assemble(self, subject: Subject, world: World, reporter: Reporter) -> Run:
        config = self.config
        module = TrainingModule(subject.model, subject.objective(), placeholder_id=subject.placeholder_id)
        kind, why = choose_kind(module, world, config.parallel)
        if kind == "fsdp" and config.optim.matrix_lr:
            raise ConfigError("optim.matrix_lr (Muon) needs whole matrices on every rank: use parallel='ddp', or set it to 0")
        for sentence in (why, *subject.describe()):
            reporter.say(sentence)
        data = _data(subject, config, world, reporter)
        total = _total_steps(data, config, world)
        spread = Spread(module, world, config, kind=kind)
        module.train()
        seed_everything(config.seed + world.rank)
        reporter.total = total
        records = data.held_back() if config.data.held_back else []
        return Run(
            config=config,
            spread=spread,
            optimizer=build_optimizer(subject.model, config.optim),
            data=data,
            total_steps=total,
            ema=RunningMean(subject.model, config.optim.ema) if config.optim.ema else None,
            ledger=data.ledger,
            callbacks=(*(subject.evaluations(records, exact_match=self.exact_match) if records else ()), *self.callbacks),
            reporter=reporter,
            allow=self.allow,
        )


def _data(subject: Subject, config: TrainConfig, world: World, reporter: Reporter) -> TrainingData:
    if config.data.manifest is None:
        raise ConfigError("data.manifest is missing: give a meta JSON of data sets, or one data file")
    name = "dropped.jsonl" if world.is_first else f"dropped_rank_{world.rank:05d}.jsonl"
    return TrainingData(
        load_manifest(config.data.manifest, root=config.data.root),
        subject.builder(),
        config.data,
        rank=world.rank,
        world=world.size,
        rows=config.rows_per_forward,
        preference=config.objective == "preference",
        ledger=Ledger(config.out / name),
        progress=reporter.measured,
    )


def _total_steps(data: TrainingData, config: TrainConfig, world: World) -> int:
    """`steps`, or as many whole steps as the rank with the least data has in `epochs`."""
    if config.steps is not None:
        if config.steps < 1:
            raise ConfigError(f"steps must be 1 or more, not {config.steps}")
        return config.steps
    # The first rank measures the records and keeps the sizes; the others find them there.
    own = data.count_batches(config.epochs) if world.is_first else None
    world.barrier()
    batches = world.lowest(float(data.count_batches(config.epochs) if own is None else own))
    return max(1, int(batches) // micro_batches(config, world))


def _conclude(run: Run, result: TrainResult) -> None:
    """The picture of the losses, what was left out on any rank, and how to go on."""
    left_out: Counter[str] = Counter()
    for of_rank in run.world.all_of(run.ledger.by_reason() if run.ledger else {}):
        left_out.update(of_rank)
    if not run.world.is_first:
        return
    out, voice = run.config.out, run.voice
    try:
        plot_losses(read_journal(out / "log.jsonl"), out / "loss.png")
    except MissingDependencyError as error:
        voice.say(str(error))
    if left_out:
        voice.say(dropped_summary(dict(left_out.most_common())))
    if result.finished:
        voice.say(f"done: {result.step} steps in {clock(result.seconds)}; the model is in {result.model}")
    else:
        voice.say(f"stopped after step {result.step} of {result.total_steps} ({result.stopped_by}); start again to go on")
