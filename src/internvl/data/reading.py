"""From references to examples, by worker processes that read ahead while the order is kept.

    (position, Reference) --worker: source, builder--> (position, Example | Dropped)

Only a RecordError drops a record, and nothing takes its place. Any other error ends the run, with the record's origin in its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from internvl.data.builder import Measure
from internvl.data.example import Example
from internvl.data.held_back import HeldBack
from internvl.data.manifest import DatasetSpec
from internvl.data.order import Reference, key_of
from internvl.data.record import Origin, Record, RecordError
from internvl.data.sources import Source


class Builder(Protocol):
    """An ExampleBuilder, as far as the loader needs one."""

    def build(self, record: Record, spec: DatasetSpec, *, seed: int) -> Example:
        """The example of a record."""
        ...

    def measure(self, record: Record, spec: DatasetSpec, *, seed: int | None = None) -> Measure:
        """Its size."""
        ...


@dataclass(frozen=True)
class Dropped:
    """A record that gave no example."""

    origin: Origin
    reason: str


@dataclass(frozen=True)
class Reader:
    """The sources of a run with what is needed to read them; travels to worker processes."""

    sources: Sequence[Source]
    held: Sequence[HeldBack]
    builder: Builder
    seed: int

    def read(self, turns: Iterable[tuple[int, Reference]], *, workers: int) -> Iterator[tuple[int, Example | Dropped]]:
        """What the references give, in their order. Augmentation depends on seed, data set, row and visit alone."""
        # A generator of its own: the loader would draw from the global one, and with it change the run that follows.
        loader: DataLoader[Any] = DataLoader(
            _Turns(self), sampler=turns, batch_size=None, num_workers=workers, collate_fn=_as_is, generator=torch.Generator()
        )
        for position, found in loader:
            yield position, _owned(found) if workers and isinstance(found, Example) else found

    def example(self, reference: Reference) -> Example | Dropped:
        """The example of one reference."""
        source, row = self.sources[reference.dataset], self._row(reference)
        try:
            return self.builder.build(source.record(row), source.spec, seed=self._seed(reference))
        except RecordError as error:
            return Dropped(source.origin(row), error.reason)
        except Exception as error:
            error.add_note(f"while reading {source.origin(row)} of data set {source.spec.name!r}")
            raise

    def measure(self, reference: Reference) -> Measure | None:
        """The size that `example` will have; None where it is dropped."""
        source = self.sources[reference.dataset]
        try:
            return self.builder.measure(source.record(self._row(reference)), source.spec, seed=self._seed(reference))
        except RecordError:
            return None

    def origin(self, reference: Reference) -> Origin:
        """Where the record stands."""
        return self.sources[reference.dataset].origin(self._row(reference))

    def _row(self, reference: Reference) -> int:
        return self.held[reference.dataset].row(reference.row)

    def _seed(self, reference: Reference) -> int:
        return key_of(self.seed, self.sources[reference.dataset].spec.name, self._row(reference), reference.visit)


class _Turns(Dataset[Any]):
    """What a worker does: the index is a turn, not a number."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __getitem__(self, turn: tuple[int, Reference]) -> tuple[int, Example | Dropped]:
        position, reference = turn
        return position, self._reader.example(reference)


def _as_is(found: Any) -> Any:
    return found


def _owned(example: Example) -> Example:
    """A copy in memory of this process. Tensors from a worker hold a file descriptor each, and open packs hold many tensors."""
    return replace(
        example,
        ids=example.ids.clone(),
        labels=example.labels.clone(),
        pixels=_copy(example.pixels),
        rejected_ids=_copy(example.rejected_ids),
        rejected_labels=_copy(example.rejected_labels),
        pair=None if example.pair is None else example.pair.copy(),
    )


def _copy(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.clone()
