"""In which order records are read: a function of seed and position, so that any place of a run can be found again.

    position --round, shuffled--> (data set, its k-th visit) --pass, shuffled--> Reference(data set, row, visit)

A round holds some thousand positions, shared out among the data sets as the mixture says; an epoch is a whole number of rounds. Within
a data set every pass is a new permutation, computed for the rows asked for alone: a billion rows need no list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy

from internvl.data.row_plan import RowPlan

Whole: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.int64]]
Lengths: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.signedinteger[Any]]]
Bits: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.uint64]]

# Positions in a round. Shorter ones would spread small data sets more evenly, longer ones shuffle more freely; both are far above
# the number of examples in a step's pack and far below an epoch.
ROUND = 4096
_WORD = (1 << 64) - 1
_SMALL = 256  # up to here a permutation is a table
_FEISTEL_ROUNDS = 6


class Reference(NamedTuple):
    """A record to read: number of its data set, its row from 0, and the how-manieth pass over the data set this is, from 0."""

    dataset: int
    row: int
    visit: int


class Order:
    """All references of an endless run.

    plans: which rows of each data set an epoch uses how often; shares: the part of the positions that each data set gets. An epoch
    has as many positions as the plans have pairs; with shares in proportion to the plans' lengths it visits exactly their pairs.
    With other shares a data set that is used up begins again, newly shuffled, and a large one goes on in the next epoch.
    """

    def __init__(self, names: Sequence[str], plans: Sequence[RowPlan], shares: Sequence[float], *, seed: int) -> None:
        self.names = tuple(names)
        self.plans = tuple(plans)
        self.seed = seed
        self.total = sum(len(plan) for plan in plans)
        self._rounds = max(1, round(self.total / ROUND))  # in an epoch
        self._quotas = numpy.array(shares, dtype=numpy.float64) * self.total
        # Where each data set's count is rounded up differs, or all small ones would get their position in the same round.
        # Away from 0 and 1, so that an error in the last digit can't change a count at the end of an epoch.
        self._phases = 0.05 + 0.9 * ((numpy.arange(len(plans)) * 0.6180339887498949) % 1.0)

    def end(self, epochs: float) -> int:
        """Number of positions in so many epochs."""
        whole = int(epochs)
        start, stop = self._start(whole * self._rounds), self._start((whole + 1) * self._rounds)
        return start + round((epochs - whole) * (stop - start))

    def at(self, positions: Whole) -> list[Reference]:
        """The references at ascending positions."""
        found: list[Reference] = []
        while len(found) < len(positions):
            first = int(positions[len(found)])
            number = self._round_of(first)
            start, stop = self._start(number), self._start(number + 1)
            inside = positions[len(found) : int(numpy.searchsorted(positions, stop))]
            found += self._of_round(number, inside - start)
        return found

    def _of_round(self, number: int, slots: Whole) -> list[Reference]:
        before = self._counts(number)
        sizes = self._counts(number + 1) - before
        borders = numpy.cumsum(sizes)
        shuffled = permuted(slots, int(borders[-1]), key_of(self.seed, "round", number))
        datasets = numpy.searchsorted(borders, shuffled, side="right")
        visits = (before - (borders - sizes))[datasets] + shuffled
        rows, passes = numpy.empty_like(slots), numpy.empty_like(slots)
        for dataset in numpy.unique(datasets):
            mine = datasets == dataset
            rows[mine], passes[mine] = self._rows(int(dataset), visits[mine])
        return [Reference(*each) for each in zip(datasets.tolist(), rows.tolist(), passes.tolist(), strict=True)]

    def _rows(self, dataset: int, visits: Whole) -> tuple[Whole, Whole]:
        """Rows and passes of a data set's visits: pass after pass, each in its own order, the partial one last in its epoch."""
        plan, name = self.plans[dataset], self.names[dataset]
        epoch, offset = numpy.divmod(visits, len(plan))
        number = numpy.minimum(offset // plan.rows, plan.whole)
        each_epoch = plan.whole + (len(plan.selected) > 0)
        passes = epoch * each_epoch + number
        places = offset - number * plan.rows
        rows = numpy.empty_like(visits)
        for each in numpy.unique(passes).tolist():
            mine = passes == each
            partial = each % each_epoch == plan.whole
            size = len(plan.selected) if partial else plan.rows
            shuffled = permuted(places[mine], size, key_of(self.seed, name, each))
            rows[mine] = plan.selected[shuffled] if partial else shuffled
        return rows, passes

    def _counts(self, rounds: int) -> Whole:
        """How many visits each data set got in the first `rounds` rounds."""
        return numpy.floor(rounds * self._quotas / self._rounds + self._phases).astype(numpy.int64)

    def _start(self, number: int) -> int:
        return int(self._counts(number).sum())

    def _round_of(self, position: int) -> int:
        number = position * self._rounds // self.total
        while self._start(number) > position:
            number -= 1
        while self._start(number + 1) <= position:
            number += 1
        return number


class RankOrder:
    """What one of `world` ranks reads: position of its own -> Reference, in blocks that are computed at once.

    lengths: of each data set, the tokens of its rows; given, each block of all ranks is sorted by them, longest first, so that
    `rows` examples in sequence, on every rank, are of similar length. Together the ranks read exactly the order's positions.
    """

    BLOCK = 256
    GROUPED = 16  # batches of a rank in a block that is sorted

    def __init__(
        self,
        order: Order,
        *,
        rank: int,
        world: int,
        epochs: float | None,
        rows: int = 1,
        lengths: Sequence[Lengths] | None = None,
    ) -> None:
        self.order = order
        self.rank, self.world = rank, world
        self.end = None if epochs is None else order.end(epochs)
        self.size = self.BLOCK if lengths is None else rows * self.GROUPED
        self._lengths = lengths
        self._kept: dict[int, list[Reference]] = {}

    def following(self, position: int) -> Iterator[tuple[int, Reference]]:
        """Positions with their references, from `position` to the end of the run."""
        number, skipped = divmod(position, self.size)
        while True:
            block = self._block(number)
            yield from enumerate(block[skipped:], start=number * self.size + skipped)
            if len(block) < self.size:
                return
            number, skipped = number + 1, 0

    def at(self, position: int) -> Reference:
        """The reference at a position before the end."""
        return self._block(position // self.size)[position % self.size]

    def _block(self, number: int) -> list[Reference]:
        """References at positions number * size and following; fewer than `size` at the end of the run only."""
        if number not in self._kept:
            self._kept = {number: self._computed(number)}
        return self._kept[number]

    def _computed(self, number: int) -> list[Reference]:
        start = number * self.size * self.world
        stop = start + self.size * self.world
        if self.end is not None:
            stop = min(stop, self.end)
        if self._lengths is None:
            return self.order.at(numpy.arange(start + self.rank, stop, self.world, dtype=numpy.int64))
        lengths = self._lengths
        found = self.order.at(numpy.arange(start, stop, dtype=numpy.int64))
        return sorted(found, key=lambda each: -int(lengths[each.dataset][each.row]))[self.rank :: self.world]


def key_of(seed: int, *words: object) -> int:
    """A number of 63 bits from a seed and names; the same on every machine."""
    return int.from_bytes(hashlib.blake2b(repr((seed, *words)).encode(), digest_size=8).digest(), "little") >> 1


def permuted(places: Whole, size: int, key: int) -> Whole:
    """Where a permutation of 0 ... size - 1, chosen by `key`, sends each place. Needs no memory for the others."""
    if size <= _SMALL:
        return numpy.argsort(scrambled(numpy.arange(size, dtype=numpy.uint64), key), kind="stable")[places]
    half = ((size - 1).bit_length() + 1) // 2
    found = _feistel(places.astype(numpy.uint64), half, key)
    outside = numpy.flatnonzero(found >= size)
    while len(outside):  # a walk along a cycle comes back below `size`, from each place to another
        found[outside] = _feistel(found[outside], half, key)
        outside = outside[found[outside] >= size]
    return found.astype(numpy.int64)


def scrambled(values: Bits, key: int) -> Bits:
    """A fixed hash of each value: the finaliser of splitmix64, which sends no two values to the same number."""
    mixed = values * numpy.uint64(0x9E3779B97F4A7C15) + numpy.uint64(key & _WORD)
    mixed = (mixed ^ (mixed >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> numpy.uint64(31))


def _feistel(values: Bits, half: int, key: int) -> Bits:
    """A permutation of the numbers of 2 x half bits: however the halves are hashed, each step can be undone."""
    shift, mask = numpy.uint64(half), numpy.uint64((1 << half) - 1)
    left, right = values >> shift, values & mask
    for step in range(_FEISTEL_ROUNDS):
        left, right = right, left ^ (scrambled(right, key + step * 0xD1B54A32D192ED03) & mask)
    return (left << shift) | right
