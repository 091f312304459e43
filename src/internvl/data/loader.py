"""From a manifest to the batches of one rank, in an order that any moment of a run can be continued from.

    RankOrder -> (position, Reference) -> Reader: Example | Dropped -> open packs -> rows -> Batch

Worker processes read ahead; everything that remembers (position, open packs, counts) is here and in `state_dict`. So batches depend
neither on the number of workers nor on where a run was cut in two.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from internvl.data.batch import Batch
from internvl.data.builder import Measure
from internvl.data.collate import collate
from internvl.data.config import DataConfig
from internvl.data.example import Example
from internvl.data.held_back import HeldBack, held_back_records
from internvl.data.ledger import Ledger
from internvl.data.lengths import Lengths, Progress, measured
from internvl.data.manifest import DatasetSpec, Manifest, ManifestError, rows_of, shares
from internvl.data.order import Order, RankOrder, Reference
from internvl.data.packing import Item, Packer, Single
from internvl.data.reading import Builder, Dropped, Reader
from internvl.data.record import Record
from internvl.data.resume import progress_of, run_facts, start
from internvl.data.sources import Source, open_source
from internvl.errors import ConfigError

# So many records in sequence, or an epoch of them, may be dropped before the data are held to be unusable.
ALL_DROPPED = 100


@dataclass(frozen=True)
class Placed:
    """An example with its position in the rank's order. Its size is that of the longer answer, if it has two."""

    position: int
    example: Example

    @property
    def tokens(self) -> int:
        """Room it takes in a pack."""
        rejected = self.example.rejected_ids
        return self.example.tokens if rejected is None else max(self.example.tokens, len(rejected))

    @property
    def tiles(self) -> int:
        """Its tiles."""
        return self.example.tiles


class TrainingData:
    """The batches of one rank. Iterating goes on behind the last batch handed out; one iterator at a time.

    rows: packs in a batch, or examples without packing. epochs: None for an endless run. preference: the builder gives two answers.
    The ranks of a run differ in `rank` alone and may get different numbers of batches: nothing is repeated or cut to make them even.
    sources: of the manifest's data sets, opened here unless given. progress: told how far measuring is.
    Raises ConfigError for impossible numbers, ManifestError for data files that can't be used.
    """

    def __init__(
        self,
        manifest: Manifest,
        builder: Builder,
        config: DataConfig,
        *,
        rank: int = 0,
        world: int = 1,
        rows: int = 1,
        epochs: float | None = None,
        preference: bool = False,
        ledger: Ledger | None = None,
        sources: Sequence[Source] | None = None,
        progress: Progress | None = None,
    ) -> None:
        _check(config, rank, world, rows, epochs)
        self.manifest, self.config, self.rows, self.preference = manifest, config, rows, preference
        self.ledger = Ledger(None) if ledger is None else ledger
        self._rank, self._world, self._progress = rank, world, progress
        opened = [open_source(spec) for spec in manifest.datasets] if sources is None else list(sources)
        held = [HeldBack(source.spec.name, len(source), config.held_back) for source in opened]
        self._reader = Reader(opened, held, builder, config.seed)
        self._order = self._ordered()
        self._turns = self._ranked(epochs)
        self._facts = run_facts(opened, config, rank=rank, world=world, rows=rows)
        self._done = start()

    def __iter__(self) -> Iterator[Batch]:
        packer: Packer[Placed] = self._packer()
        done = dict(self._done)
        rows: list[list[Placed]] = []
        for row in self._packed(packer, done):
            rows.append(row)
            if len(rows) == self.rows:
                yield self._handed_out(rows, packer, done)
                rows = []
        if rows:
            yield self._handed_out(rows, packer, done)

    def state_dict(self) -> dict[str, Any]:
        """Where the last batch handed out has left the run, as JSON values."""
        return {**self._facts, **self._done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there. ConfigError names what differs: a data set of another size, a setting, the number of ranks."""
        self._done = progress_of(state, self._facts)

    @property
    def epochs_read(self) -> float:
        """Epochs behind the last batch handed out, if all ranks are as far as this one."""
        return float(self._done["position"] * self._world / self._order.total)

    def batches_per_epoch(self) -> int:
        """Batches of this rank in a run of one epoch. Exact, but for records that only decoding shows to be damaged."""
        return self.count_batches(1.0)

    def count_batches(self, epochs: float) -> int:
        """Batches of this rank in a run of so many epochs from its start: the run's own packing, on measured sizes."""
        packer: Packer[Measure] = self._packer()
        full = 0
        for _, reference in self._ranked(epochs).following(0):
            size = self._size(reference)
            if size is not None and packer.refusal(size) is None:
                full += packer.add(size) is not None
        return -(-(full + sum(1 for _ in packer.flush())) // self.rows)

    def held_back(self) -> list[tuple[DatasetSpec, Record]]:
        """The records that training never sees; those that can't be read go to the ledger."""
        return held_back_records(self.manifest, self.config, sources=self._reader.sources, ledger=self.ledger)

    def _ordered(self) -> Order:
        specs = [source.spec for source in self._reader.sources]
        plans = [rows_of(spec, held.kept) for spec, held in zip(specs, self._reader.held, strict=True)]
        parts = shares(specs, [len(plan) for plan in plans], self.config.mixing)
        if not sum(parts):
            raise ManifestError(
                f"{self.manifest.path} has no records to train on: each data set is empty, or its weight or repeat_time is 0"
            )
        return Order([spec.name for spec in specs], plans, parts, seed=self.config.seed)

    def _ranked(self, epochs: float | None) -> RankOrder:
        lengths = None
        if self.config.group_by_length:
            lengths = [each.tokens[held.kept_rows()] for each, held in zip(self._lengths, self._reader.held, strict=True)]
        return RankOrder(self._order, rank=self._rank, world=self._world, epochs=epochs, rows=self.rows, lengths=lengths)

    @cached_property
    def _lengths(self) -> list[Lengths]:
        reader, workers = self._reader, self.config.workers
        return [measured(source, reader.builder, workers=workers, progress=self._progress) for source in reader.sources]

    def _size(self, reference: Reference) -> Measure | None:
        lengths, row = self._lengths[reference.dataset], self._reader.held[reference.dataset].row(reference.row)
        if lengths.has_clip[row]:  # how many stills are drawn differs from visit to visit
            return self._reader.measure(reference)
        return None if row in lengths.failures else Measure(int(lengths.tokens[row]), int(lengths.tiles[row]))

    def _packer(self) -> Packer[Item]:
        config = self.config
        if not config.packing:
            return Single()
        return Packer(max_tokens=config.pack_tokens, max_tiles=config.pack_tiles, most_open=config.pack_buffer)

    def _packed(self, packer: Packer[Placed], done: dict[str, Any]) -> Iterator[list[Placed]]:
        """Full rows, from the open packs of `done` on, which is kept up to date with what has been read."""
        waiting = [position for pack in done["open"] for position in pack]
        again = ((position, self._turns.at(position)) for position in waiting)
        items = self._reader.read(itertools.chain(again, self._turns.following(done["position"])), workers=self.config.workers)
        packer.restore(self._restored(itertools.islice(items, len(waiting)), done["open"]))
        dropped_in_a_row = 0
        for position, found in items:
            placed = self._placed(position, found, packer)
            done["position"] = position + 1
            done["dropped" if placed is None else "examples"] += 1
            dropped_in_a_row = dropped_in_a_row + 1 if placed is None else 0
            if dropped_in_a_row >= max(self._order.total // self._world, ALL_DROPPED):
                raise self._unusable(dropped_in_a_row)  # without an end, this would go on for ever
            if placed is not None and (row := packer.add(placed)) is not None:
                yield row
        if done["dropped"] and not done["examples"]:
            raise self._unusable(done["dropped"])
        yield from packer.flush()

    def _restored(self, items: Iterator[tuple[int, Example | Dropped]], packs: list[list[int]]) -> list[list[Placed]]:
        """Open packs read again. What can't be read any more is missing in them."""
        found = {position: self._placed(position, item) for position, item in items}
        restored = [[placed for position in pack if (placed := found[position])] for pack in packs]
        return [pack for pack in restored if pack]

    def _placed(self, position: int, found: Example | Dropped, packer: Packer[Placed] | None = None) -> Placed | None:
        """The example, or None and a line in the ledger."""
        if isinstance(found, Dropped):
            self.ledger.drop(found.origin, found.reason)
            return None
        if (found.rejected_ids is not None) != self.preference:
            raise ConfigError("TrainingData and its ExampleBuilder must both be made with preference=True, or both without")
        placed = Placed(position, found)
        reason = packer.refusal(placed) if packer else None
        if reason is not None:
            self.ledger.drop(found.origin, reason)
        return placed if reason is None else None

    def _unusable(self, count: int) -> ManifestError:
        reasons = "; ".join(f"{reason} ({times} times)" for reason, times in list(self.ledger.by_reason().items())[:3])
        return ManifestError(f"none of {count} records in sequence could be used (small sets are read repeatedly). Reasons: {reasons}")

    def _handed_out(self, rows: list[list[Placed]], packer: Packer[Placed], done: dict[str, Any]) -> Batch:
        done["batches"] += 1
        self._done = {**done, "open": [[placed.position for placed in pack.items] for pack in packer.open]}
        return collate([[placed.example for placed in row] for row in rows], weighting=self.config.loss_weighting)


def _check(config: DataConfig, rank: int, world: int, rows: int, epochs: float | None) -> None:
    if not 0 <= rank < world:
        raise ConfigError(f"rank {rank} of {world}: ranks go from 0 to {world - 1}")
    if rows < 1:
        raise ConfigError(f"a batch has 1 row or more, not {rows}")
    if epochs is not None and not epochs > 0:
        raise ConfigError(f"epochs must be above 0, not {epochs}")
    if config.packing and config.group_by_length:
        raise ConfigError("group_by_length is for training without packing: set packing=false, or leave the grouping out")
