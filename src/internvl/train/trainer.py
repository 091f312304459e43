"""From a config to a finished run: every part is made, put together, run, and its result written.

TrainConfig -> model, adapters, freezing -> objective -> data -> spread over ranks -> optimiser -> train_loop -> OUT/model
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.hub import resolve
from internvl.checkpoint.load import load_weights
from internvl.data.builder import ExampleBuilder
from internvl.data.ledger import Ledger
from internvl.data.loader import TrainingData
from internvl.data.manifest import load_manifest
from internvl.errors import ConfigError, MissingDependencyError
from internvl.models.internvl import InternVL
from internvl.processor import Processor
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer
from internvl.train.callbacks import Callback, TrainResult
from internvl.train.config import TrainConfig
from internvl.train.continuation import config_facts
from internvl.train.ema import RunningMean
from internvl.train.evaluation import ExactMatch, HeldBackLoss
from internvl.train.export import export
from internvl.train.freeze import describe_trainable, freeze
from internvl.train.journal import dropped_summary, read_journal
from internvl.train.loop import Run, train_loop
from internvl.train.lora import add_lora, lora_parameters, ranks, without_adapters
from internvl.train.objectives.module import TrainingModule
from internvl.train.objectives.preference import PreferenceObjective
from internvl.train.objectives.sft import SupervisedObjective
from internvl.train.optim import build_optimizer
from internvl.train.parallel import Spread, World, choose_kind, open_world
from internvl.train.plot import plot_losses
from internvl.train.progress import Reporter, clock
from internvl.train.random_state import seed_everything
from internvl.train.step import micro_batches
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
        with open_world() as world, ExitStack() as cleanup:
            micro_batches(self.config, world)
            parts = _load(self.config, world)
            reporter = Reporter(0, every=self.config.log_every, quiet=self.quiet or not world.is_first)
            run = self._assemble(parts, world, reporter)
            if world.is_first:
                run.trackers = open_trackers(self.config.trackers, self.config.out, config_facts(self.config))
            for tracker in run.trackers:
                cleanup.callback(tracker.close)
            result = train_loop(run)
            if result.finished:
                result = self._export(run, parts, result)
            _conclude(run, result)
            for callback in run.callbacks:
                callback.on_end(result)
            return result

    def _assemble(self, parts: _Loaded, world: World, reporter: Reporter) -> Run:
        config = self.config
        module = TrainingModule(parts.model, _objective(parts, config), placeholder_id=parts.processor.placeholder_id)
        kind, why = choose_kind(module, world, config.parallel)
        if kind == "fsdp" and config.optim.matrix_lr:
            raise ConfigError("optim.matrix_lr (Muon) needs whole matrices on every rank: use parallel='ddp', or set it to 0")
        _describe(reporter, parts, why)
        data, builder = _data(parts, config, world, reporter)
        total = _total_steps(data, config, world)
        spread = Spread(module, world, config, kind=kind)
        module.train()
        seed_everything(config.seed + world.rank)
        reporter.total = total
        return Run(
            config=config,
            spread=spread,
            optimizer=build_optimizer(parts.model, config.optim),
            data=data,
            total_steps=total,
            ema=RunningMean(parts.model, config.optim.ema) if config.optim.ema else None,
            ledger=data.ledger,
            callbacks=(*self._evaluations(data, builder, parts), *self.callbacks),
            reporter=reporter,
            allow=self.allow,
        )

    def _evaluations(self, data: TrainingData, builder: ExampleBuilder, parts: _Loaded) -> list[Callback]:
        records = data.held_back() if self.config.data.held_back else []
        if not records:
            return []
        preference = self.config.objective == "preference"
        found: list[Callback] = [
            HeldBackLoss(records, builder, weighting=self.config.data.loss_weighting, preference=preference),
        ]
        if self.exact_match:
            found.append(ExactMatch(records, parts.tokenizer, parts.processor))
        return found

    def _export(self, run: Run, parts: _Loaded, result: TrainResult) -> TrainResult:
        model, adapter = export(
            run.spread,
            parts.checkpoint,
            self.config.out,
            base_name=self.config.model,
            placeholder_id=parts.processor.placeholder_id,
            ema=run.ema,
        )
        return replace(result, model=model, adapter=adapter)


@dataclass(frozen=True)
class _Loaded:
    checkpoint: Checkpoint
    model: InternVL
    tokenizer: Tokenizer
    processor: Processor


def _load(config: TrainConfig, world: World) -> _Loaded:
    """The model as it was before training, with what learns decided; a checkpoint of the run replaces its weights later."""
    folder = _fetched(config.model, world)
    checkpoint, tokenizer = Checkpoint(folder), load_tokenizer(folder)
    model = _weights(checkpoint, config)
    if not 0.0 <= config.drop_path < 1.0:
        raise ConfigError(f"drop_path must lie in [0, 1), not {config.drop_path}")
    model.vision_encoder.set_drop_path(config.drop_path)
    if config.checkpoint_activations:
        model.set_activation_checkpointing(True)
    return _Loaded(checkpoint, model, tokenizer, Processor.of(model.config, tokenizer))


def _fetched(name: str, world: World) -> Path:
    """The model's folder; the first rank downloads it, if need be, before the others look."""
    if world.is_first:
        resolve(name)
    world.barrier()
    return resolve(name)


def _objective(parts: _Loaded, config: TrainConfig) -> SupervisedObjective | PreferenceObjective:
    """Put adapters in, freeze, and give the objective for what learns then."""
    model = parts.model
    if ranks(config.lora):
        add_lora(model, config.lora, seed=config.seed)
    freeze(model, config)
    if config.objective == "sft":
        return SupervisedObjective()
    if config.objective != "preference":
        raise ConfigError(f"objective must be sft or preference, not {config.objective!r}")
    learning = sum(parameter.requires_grad for parameter in model.parameters())
    if learning == len(lora_parameters(model)):
        return PreferenceObjective(adapters_off=lambda: without_adapters(model))
    return PreferenceObjective(reference=_weights(parts.checkpoint, config))


def _weights(checkpoint: Checkpoint, config: TrainConfig) -> InternVL:
    return load_weights(checkpoint, dtype=torch.float32 if config.precision == "fp32" else None)


def _data(parts: _Loaded, config: TrainConfig, world: World, reporter: Reporter) -> tuple[TrainingData, ExampleBuilder]:
    if config.data.manifest is None:
        raise ConfigError("data.manifest is missing: give a meta JSON of data sets, or one data file")
    preference = config.objective == "preference"
    builder = ExampleBuilder(parts.processor, config.data, preference=preference)
    name = "dropped.jsonl" if world.is_first else f"dropped_rank_{world.rank:05d}.jsonl"
    data = TrainingData(
        load_manifest(config.data.manifest, root=config.data.root),
        builder,
        config.data,
        rank=world.rank,
        world=world.size,
        rows=config.rows_per_forward,
        preference=preference,
        ledger=Ledger(config.out / name),
        progress=reporter.measured,
    )
    return data, builder


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


def _describe(reporter: Reporter, parts: _Loaded, why: str) -> None:
    reporter.say(why)
    reporter.say(str(parts.processor.policy))
    for row in describe_trainable(parts.model):
        reporter.say(f"{row.part:<16}{row.trainable:>16,} of {row.total:,} learn" + (f"  ({row.note})" if row.note else ""))


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
