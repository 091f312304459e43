"""What a run trains: a chat model or a dual encoder, opened from the checkpoint that the config names.

config.model -> its config.json -> ChatSubject | DualSubject: model, objective, builder of examples, evaluations, export
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from torch import nn

from internvl.checkpoint.dual import is_dual
from internvl.checkpoint.hub import resolve
from internvl.data.manifest import DatasetSpec
from internvl.data.reading import Builder
from internvl.data.record import Record
from internvl.train.callbacks import Callback
from internvl.train.config import TrainConfig
from internvl.train.ema import RunningMean
from internvl.train.objectives.module import Objective
from internvl.train.parallel import Spread, World


class Subject(Protocol):
    """The parts of a run that depend on what is trained."""

    @property
    def model(self) -> nn.Module:
        """What is trained."""
        ...

    @property
    def placeholder_id(self) -> int:
        """Where pictures stand among a chat model's ids; -1 for a dual encoder."""
        ...

    def objective(self) -> Objective:
        """Decide what learns (adapters, freezing), and give what is minimised. Called once, before the model is spread."""
        ...

    def builder(self) -> Builder:
        """What makes examples of records."""
        ...

    def describe(self) -> list[str]:
        """Sentences for the start of a run: how pictures are cut, what learns."""
        ...

    def evaluations(self, records: Sequence[tuple[DatasetSpec, Record]], *, exact_match: bool) -> list[Callback]:
        """What is measured on records that training never sees."""
        ...

    def export(self, spread: Spread, ema: RunningMean | None) -> tuple[Path, Path | None]:
        """Write OUT/model, and OUT/adapter if there are adapters. All ranks call it."""
        ...


def open_subject(config: TrainConfig, world: World) -> Subject:
    """What `config.model` is. The first rank downloads it, if need be, before the others look."""
    from internvl.train.chat_subject import ChatSubject
    from internvl.train.dual_subject import DualSubject

    if world.is_first:
        resolve(config.model)
    world.barrier()
    folder = resolve(config.model)
    return DualSubject(folder, config, world) if is_dual(folder) else ChatSubject(folder, config)


def parameter_rows(rows: Sequence[tuple[str, int, int, str]]) -> list[str]:
    """Lines of (part, parameters that learn, all of them, note)."""
    return [f"{part:<16}{learning:>16,} of {total:,} learn" + (f"  ({note})" if note else "") for part, learning, total, note in rows]
