"""What holds of every data set size, mixture and pack: nothing is lost, nothing is doubled, every limit is kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from internvl.data.held_back import HeldBack
from internvl.data.manifest import DatasetSpec, rows_of, shares
from internvl.data.order import Order, RankOrder, Reference, permuted
from internvl.data.packing import Packer, Single


@dataclass(frozen=True)
class Piece:
    number: int
    tokens: int
    tiles: int


@st.composite
def pieces(draw: st.DrawFn) -> list[Piece]:
    sizes = draw(st.lists(st.tuples(st.integers(1, 70), st.integers(0, 12)), max_size=80))
    return [Piece(number, *size) for number, size in enumerate(sizes)]


@given(pieces(), st.integers(1, 64), st.integers(1, 10), st.integers(1, 6))
@settings(max_examples=300, deadline=None)
def test_packing_loses_and_doubles_nothing_and_keeps_its_limits(items: list[Piece], tokens: int, tiles: int, most_open: int) -> None:
    packer: Packer[Piece] = Packer(max_tokens=tokens, max_tiles=tiles, most_open=most_open)
    rows, refused = [], 0
    for item in items:
        if packer.refusal(item) is not None:
            assert item.tokens > tokens or item.tiles > tiles
            refused += 1
            continue
        row = packer.add(item)
        rows += [row] if row is not None else []
        assert len(packer.open) <= most_open
    rows += list(packer.flush())
    assert all(rows)
    assert all(sum(each.tokens for each in row) <= tokens and sum(each.tiles for each in row) <= tiles for row in rows)
    numbers = [each.number for row in rows for each in row]
    assert len(set(numbers)) == len(numbers) == len(items) - refused
    # Within a row, examples stand in the order in which they came.
    assert all(row == sorted(row, key=lambda each: each.number) for row in rows)


@given(pieces(), st.integers(0, 80))
@settings(max_examples=100, deadline=None)
def test_a_restored_packer_goes_on_as_the_first(items: list[Piece], cut: int) -> None:
    first, second = (Packer[Piece](max_tokens=70, max_tiles=12, most_open=4) for _ in range(2))
    for item in items[:cut]:
        first.add(item)
    second.restore([pack.items for pack in first.open])
    assert [first.add(item) for item in items[cut:]] == [second.add(item) for item in items[cut:]]
    assert list(first.flush()) == list(second.flush())


@given(pieces())
def test_without_packing_every_example_is_a_row(items: list[Piece]) -> None:
    single: Single[Piece] = Single()
    assert [single.add(item) for item in items] == [[item] for item in items]
    assert not list(single.flush())


@given(st.integers(1, 5000), st.integers(0, 1 << 62))
@settings(max_examples=60, deadline=None)
def test_a_permutation_hits_every_place_once(size: int, key: int) -> None:
    assert numpy.array_equal(numpy.sort(permuted(numpy.arange(size), size, key)), numpy.arange(size))


@st.composite
def datasets(draw: st.DrawFn) -> tuple[list[DatasetSpec], list[int]]:
    repeats = st.sampled_from([0.0, 0.3, 0.5, 1.0, 1.0, 1.5, 2.0, 3.25])
    sizes = draw(st.lists(st.integers(0, 300), min_size=1, max_size=6))
    specs = [DatasetSpec(name=f"set{n}", annotation=Path("x.jsonl"), root=Path(), repeat_time=draw(repeats)) for n in range(len(sizes))]
    return specs, sizes


def order_of(specs: list[DatasetSpec], sizes: list[int], *, seed: int = 0, mixing: str = "length") -> Order:
    plans = [rows_of(spec, size) for spec, size in zip(specs, sizes, strict=True)]
    parts = shares(specs, [len(plan) for plan in plans], mixing)  # type: ignore[arg-type]
    return Order([spec.name for spec in specs], plans, parts, seed=seed)


def all_of(order: Order, world: int, epochs: float, **options: object) -> list[list[Reference]]:
    ranks = [RankOrder(order, rank=rank, world=world, epochs=epochs, **options) for rank in range(world)]  # type: ignore[arg-type]
    return [[reference for _, reference in rank.following(0)] for rank in ranks]


@given(datasets(), st.integers(1, 5), st.integers(1, 3), st.integers(0, 9))
@settings(max_examples=80, deadline=None)
def test_every_epoch_reads_each_record_as_often_as_its_repeat_time_says(
    found: tuple[list[DatasetSpec], list[int]], world: int, epochs: int, seed: int
) -> None:
    specs, sizes = found
    wanted = Counter(
        (number, row) for number, (spec, size) in enumerate(zip(specs, sizes, strict=True)) for row, _ in rows_of(spec, size)
    )
    if not wanted:
        return
    order = order_of(specs, sizes, seed=seed)
    ranks = all_of(order, world, epochs)
    assert max(map(len, ranks)) - min(map(len, ranks)) <= 1
    references = [reference for rank in ranks for reference in rank]
    assert Counter((each.dataset, each.row) for each in references) == Counter({key: epochs * n for key, n in wanted.items()})
    assert len(set(references)) == len(references)  # each visit of a record has its own number


@given(datasets(), st.integers(1, 4), st.integers(0, 700))
@settings(max_examples=50, deadline=None)
def test_any_position_can_be_asked_for_alone(found: tuple[list[DatasetSpec], list[int]], world: int, position: int) -> None:
    specs, sizes = found
    if not any(len(rows_of(spec, size)) for spec, size in zip(specs, sizes, strict=True)):
        return
    order = order_of(specs, sizes)
    straight = RankOrder(order, rank=world - 1, world=world, epochs=None)
    turns = straight.following(0)
    for _ in range(position):
        next(turns)
    wanted = next(turns)
    assert RankOrder(order, rank=world - 1, world=world, epochs=None).at(position) == wanted[1]
    assert next(RankOrder(order, rank=world - 1, world=world, epochs=None).following(position)) == wanted


@given(datasets(), st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_sorting_by_length_changes_the_order_only(found: tuple[list[DatasetSpec], list[int]], world: int, rows: int) -> None:
    specs, sizes = found
    order = order_of(specs, sizes) if any(len(rows_of(s, n)) for s, n in zip(specs, sizes, strict=True)) else None
    if order is None:
        return
    lengths = [numpy.arange(size, dtype=numpy.int64) * 7 % 31 for size in sizes]
    grouped, plain = all_of(order, world, 1, rows=rows, lengths=lengths), all_of(order, world, 1)
    assert sorted(each for rank in grouped for each in rank) == sorted(each for rank in plain for each in rank)
    block = rows * RankOrder.GROUPED
    for rank in grouped:
        for start in range(0, len(rank), block):
            tokens = [int(lengths[each.dataset][each.row]) for each in rank[start : start + block]]
            assert tokens == sorted(tokens, reverse=True)


@pytest.mark.parametrize("mixing", ["manifest", "length", "sqrt_length"])
@pytest.mark.parametrize("count", [500, 3000, 20_000])
def test_frequencies_follow_the_mixture_from_early_on(mixing: str, count: int) -> None:
    sizes, weights = [40_000, 2500, 100, 9000], [0.2, 0.4, 0.3, 0.1]
    specs = [
        DatasetSpec(name=f"set{n}", annotation=Path("x.jsonl"), root=Path(), weight=weight if mixing == "manifest" else None)
        for n, weight in enumerate(weights)
    ]
    order = order_of(specs, sizes, mixing=mixing)
    wanted = shares(specs, sizes, mixing)  # type: ignore[arg-type]
    got = Counter(each.dataset for each in order.at(numpy.arange(count)))
    for number, part in enumerate(wanted):
        assert abs(got[number] / count - part) < 4 * (part * (1 - part) / count) ** 0.5 + 1 / count


def test_a_used_up_data_set_begins_again_only_after_all_its_rows() -> None:
    specs = [DatasetSpec(name=name, annotation=Path("x.jsonl"), root=Path(), weight=1.0) for name in ("small", "large")]
    order = order_of(specs, [50, 5000], mixing="manifest")
    rows = [each.row for each in order.at(numpy.arange(5050)) if each.dataset == 0]
    counts = Counter(rows)
    assert len(rows) > 1000
    assert max(counts.values()) - min(counts.values()) <= 1


def test_orders_differ_by_seed_and_by_pass() -> None:
    specs, sizes = [DatasetSpec(name="one", annotation=Path("x.jsonl"), root=Path())], [400]

    def rows(seed: int, epoch: int) -> list[int]:
        return [each.row for each in order_of(specs, sizes, seed=seed).at(numpy.arange(400) + 400 * epoch)]

    assert len({tuple(rows(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9
    assert rows(1, 1) == rows(1, 1)
    # Neighbours on disk are no neighbours in the order, and the halves are mixed.
    steps = [abs(after - before) for before, after in zip(rows(0, 0), rows(0, 0)[1:], strict=False)]
    assert 100 < sum(steps) / len(steps) < 170
    assert 70 < sum(row < 200 for row in rows(0, 0)[:200]) < 130


def test_each_pass_and_each_round_is_shuffled_anew() -> None:
    specs = [DatasetSpec(name=name, annotation=Path("x.jsonl"), root=Path()) for name in ("a", "b")]
    references = order_of(specs, [9000, 9000]).at(numpy.arange(36_000))
    halves = [{each.row for each in references[start : start + 9000] if each.dataset == 0} for start in (0, 18_000)]
    assert 0.3 < len(halves[0] & halves[1]) / 4500 < 0.7
    rounds = [[each.dataset for each in references[start : start + 4000]] for start in (0, 4500)]  # a round is 4500 long
    assert 0.4 < sum(first == second for first, second in zip(*rounds, strict=True)) / 4000 < 0.6


def test_an_order_of_a_billion_rows_needs_no_list() -> None:
    order = order_of([DatasetSpec(name="huge", annotation=Path("x.jsonl"), root=Path())], [10**9])
    references = order.at(numpy.arange(10**9 - 300, 10**9 + 300))
    assert len(references) == 600
    assert {each.visit for each in references} == {0, 1}
    assert len({(each.row, each.visit) for each in references}) == 600


@given(st.text(max_size=8), st.integers(0, 3000), st.floats(0, 0.9), st.integers(0, 500))
@settings(max_examples=80, deadline=None)
def test_held_back_rows_are_never_trained_on_and_stay_when_rows_are_added(name: str, rows: int, fraction: float, more: int) -> None:
    held, longer = HeldBack(name, rows, fraction), HeldBack(name, rows + more, fraction)
    kept = held.kept_rows()
    assert held.kept == len(kept)
    assert sorted([*held.rows.tolist(), *kept.tolist()]) == list(range(rows))
    assert [held.row(number) for number in range(min(held.kept, 50))] == kept[:50].tolist()
    assert longer.rows[longer.rows < rows].tolist() == held.rows.tolist()
    assert abs(len(held.rows) - fraction * rows) <= 5 * (fraction * (1 - fraction) * rows) ** 0.5 + 1
