"""The batches of a run: complete, within limits, the same however many workers read and wherever the run was interrupted."""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from numbered_data import NumberBuilder, Numbers, numbers, small_config, some_sizes, training_data

from internvl.data.batch import Batch
from internvl.data.config import DataConfig
from internvl.data.ledger import Ledger
from internvl.data.loader import TrainingData
from internvl.data.manifest import ManifestError
from internvl.data.order import key_of
from internvl.data.record import Origin
from internvl.errors import ConfigError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERNVL_CACHE", str(tmp_path / "cache"))


def sources() -> list[Numbers]:
    text = numbers("text", some_sizes(23, seed=1, tiles=0), repeat_time=2.0)
    bad = some_sizes(31, seed=2)
    bad[4] = bad[17] = (0, 0)
    return [text, numbers("pictures", bad), numbers("few", some_sizes(7, seed=3), repeat_time=0.5)]


def written(batch: Batch) -> tuple[object, ...]:
    """Everything in a batch, to be compared."""
    tensors = [getattr(batch, name).tolist() for name in ("ids", "labels", "positions", "segments", "weights")]
    return (*tensors, None if batch.pixels is None else batch.pixels.tolist(), batch.origins)


def all_written(data: TrainingData) -> list[tuple[object, ...]]:
    return [written(batch) for batch in data]


CONFIGS = {
    "packed": small_config(),
    "plain": small_config(packing=False),
    "grouped": small_config(packing=False, group_by_length=True),
    "held back": small_config(held_back=0.2),
    "mixed by root": small_config(mixing="sqrt_length"),
}


@pytest.mark.parametrize("world", [1, 3])
def test_an_epoch_over_all_ranks_has_every_usable_record_as_often_as_asked(world: int) -> None:
    batches = [batch for rank in range(world) for batch in training_data(sources(), rank=rank, world=world, epochs=1)]
    got = Counter(origin for batch in batches for origin in batch.origins)
    wanted = {Origin("text", "nowhere/text.jsonl", row): 2 for row in range(1, 24)}
    wanted |= {Origin("pictures", "nowhere/pictures.jsonl", row): 1 for row in range(1, 32) if row not in (5, 18)}
    few = {origin: count for origin, count in got.items() if origin.dataset == "few"}
    assert len(few) == sum(few.values()) == 4
    assert got == Counter(wanted | few)


@pytest.mark.parametrize("name", CONFIGS)
def test_batches_keep_tokens_tiles_and_limits(name: str) -> None:
    config = CONFIGS[name]
    for batch in training_data(sources(), config, rows=2, epochs=1):
        assert batch.ids.shape[0] <= 2
        counts = [int(row.max()) + 1 for row in batch.segments]
        assert sum(counts) == len(batch.origins)
        if config.packing:
            assert int((batch.segments >= 0).sum(dim=1).max()) <= config.pack_tokens
        else:
            assert counts == [1] * len(counts)
        place, tiles = 0, 0
        for row in range(batch.ids.shape[0]):
            in_row = 0
            for segment in range(counts[row]):
                ids = batch.ids[row][batch.segments[row] == segment]
                origin, place = batch.origins[place], place + 1
                size = next(each.sizes[origin.row - 1] for each in sources() if each.spec.name == origin.dataset)
                assert len(ids) == size[0]
                assert ids[:-1].tolist() == [origin.row - 1] * (size[0] - 1)
                if size[1]:
                    assert batch.pixels is not None
                    assert bool((batch.pixels[tiles : tiles + size[1]] == origin.row - 1).all())
                tiles, in_row = tiles + size[1], in_row + size[1]
            assert in_row <= config.pack_tiles or not config.packing
        assert tiles == batch.tiles


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("rows", [1, 2])
def test_a_run_continued_after_any_batch_goes_on_as_if_never_interrupted(name: str, rows: int) -> None:
    config = CONFIGS[name]

    def fresh() -> TrainingData:
        return training_data(sources(), config, rank=1, world=2, rows=rows, epochs=2)

    whole, states = [], [fresh().state_dict()]
    running = fresh()
    for batch in running:
        whole.append(written(batch))
        states.append(json.loads(json.dumps(running.state_dict())))
    assert len(whole) > 8
    for done, state in enumerate(states):
        resumed = fresh()
        resumed.load_state_dict(state)
        assert resumed.state_dict() == state
        assert all_written(resumed) == whole[done:]
        assert resumed.state_dict() == states[-1]


@pytest.mark.parametrize(("before", "after"), [(2, 1), (0, 2)])
def test_the_number_of_workers_changes_nothing(before: int, after: int) -> None:
    whole = all_written(training_data(sources(), epochs=1))
    first = training_data(sources(), small_config(workers=before), epochs=1)
    batches = iter(first)
    begun = [written(next(batches)) for _ in range(5)]
    second = training_data(sources(), small_config(workers=after), epochs=1)
    second.load_state_dict(first.state_dict())
    assert begun + all_written(second) == whole


def test_iterating_again_goes_on_behind_the_last_batch() -> None:
    data = training_data(sources(), epochs=1)
    begun = [written(batch) for batch, _ in zip(data, range(4), strict=False)]
    assert len(begun) == 4
    # zip took a fifth batch before it saw that the range had ended.
    whole = all_written(training_data(sources(), epochs=1))
    assert data.state_dict()["batches"] == 5
    assert all_written(data) == whole[5:]
    assert all_written(data) == []


def test_an_endless_run_goes_from_epoch_to_epoch_with_new_seeds_and_orders() -> None:
    one = [numbers("one", [(4, 0)] * 30)]
    stream = iter(training_data(one, small_config(packing=False)))
    epochs = [[next(stream) for _ in range(30)] for _ in range(3)]
    rows = [[batch.origins[0].row for batch in epoch] for epoch in epochs]
    assert all(sorted(epoch) == list(range(1, 31)) for epoch in rows)
    assert len({tuple(epoch) for epoch in rows}) == 3
    seeds = [int(batch.ids[0, -1]) for epoch in epochs for batch in epoch]
    wanted = [key_of(0, "one", row - 1, visit) % 100_003 for visit, epoch in enumerate(rows) for row in epoch]
    assert seeds == wanted


def test_another_seed_is_another_order() -> None:
    orders = [[batch.origins for batch in training_data(sources(), small_config(seed=seed), epochs=1)] for seed in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]


def test_grouped_batches_are_of_similar_length_on_all_ranks() -> None:
    one = [numbers("one", some_sizes(256, tokens=200, tiles=0))]

    def padding(config: DataConfig) -> float:
        batches = [batch for rank in range(2) for batch in training_data(one, config, rank=rank, world=2, rows=4, epochs=1)]
        return 1 - sum(batch.tokens for batch in batches) / sum(batch.ids.numel() for batch in batches)

    assert padding(CONFIGS["grouped"]) < 0.06 < 0.2 < padding(CONFIGS["plain"])


def test_held_back_records_are_never_in_a_batch() -> None:
    config = small_config(held_back=0.25)
    data = training_data(sources(), config, epochs=3)
    held = {record.origin for _, record in data.held_back()}
    trained = {origin for batch in data for origin in batch.origins}
    assert held
    assert not held & trained
    usable = {(name, row) for name, rows in (("text", 23), ("pictures", 31)) for row in range(1, rows + 1)}
    usable -= {("pictures", 5), ("pictures", 18)}
    assert usable <= {(origin.dataset, origin.row) for origin in held | trained}


def test_dropped_records_are_in_the_ledger_once_and_nothing_replaces_them(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "dropped.jsonl")
    large = [numbers("large", [(20, 0), (101, 0), (20, 11), (0, 0), (31, 2)])]
    data = training_data(large, small_config(workers=1), epochs=2, ledger=ledger)
    rows = Counter(origin.row for batch in data for origin in batch.origins)
    assert rows == {1: 2, 5: 2}
    assert ledger.by_reason() == {
        "101 tokens, but a pack holds at most 100 (pack_tokens)": 1,
        "11 tiles, but a pack holds at most 10 (pack_tiles)": 1,
        "there is nothing": 1,
    }
    assert data.state_dict()["dropped"] == 6
    assert data.state_dict()["examples"] == 4


@pytest.mark.parametrize(("epochs", "count"), [(None, 100), (1, 4)])
def test_data_without_a_usable_record_end_with_an_error(epochs: float | None, count: int) -> None:
    with pytest.raises(ManifestError, match=rf"none of {count} records in sequence.*there is nothing \(4 times\)"):
        list(training_data([numbers("bad", [(0, 0)] * 4)], epochs=epochs))


def test_examples_of_open_packs_that_are_gone_at_resumption_are_left_out(tmp_path: Path) -> None:
    sizes = [(60, 1), (60, 2), (60, 3), (60, 4)] * 2
    first = training_data([numbers("one", sizes)], epochs=1)
    batches = iter(first)
    done = [origin.row for _ in range(1) for origin in next(batches).origins]
    state = first.state_dict()
    assert len(state["open"]) == 3
    ledger = Ledger(tmp_path / "dropped.jsonl")
    gone = [row for row in range(1, 9) if row not in done][:6]
    less = [(0, 0) if row in gone else size for row, size in enumerate(sizes, start=1)]
    second = training_data([numbers("one", less)], epochs=1, ledger=ledger)
    second.load_state_dict(state)
    assert [origin.row for batch in second for origin in batch.origins] == [row for row in range(1, 9) if row not in (*done, *gone)]
    assert ledger.dropped == 6


def test_a_fault_of_the_program_ends_the_run_and_names_the_record() -> None:
    data = training_data([numbers("one", [(5, 0)] * 4)], builder=NumberBuilder(broken_row=2), epochs=1)
    with pytest.raises(ZeroDivisionError) as caught:
        list(data)
    assert any("nowhere/one.jsonl:3" in note for note in caught.value.__notes__)
    parallel = training_data([numbers("one", [(5, 0)] * 4)], small_config(workers=1), builder=NumberBuilder(broken_row=2), epochs=1)
    with pytest.raises(ZeroDivisionError, match=r"nowhere/one\.jsonl:3") as caught:
        list(parallel)
    traceback.clear_frames(caught.tb)  # it holds the worker, which torch would wait for when both are collected


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize("preference", [False, True])
def test_the_number_of_batches_is_known_before_the_run(name: str, world: int, preference: bool) -> None:
    config, builder = CONFIGS[name], NumberBuilder(preference=preference)

    def data(epochs: float) -> TrainingData:
        return training_data(
            sources(), config, builder=builder, rank=world - 1, world=world, rows=2, epochs=epochs, preference=preference
        )

    assert data(1).batches_per_epoch() == len(list(data(1)))
    assert data(1).count_batches(2.5) == len(list(data(2.5)))


def test_the_number_of_batches_is_known_with_clips_of_a_random_number_of_stills() -> None:
    clips = Numbers(numbers("clips", []).spec, some_sizes(120, tokens=25), clips=True)
    config = small_config(max_tokens=50)
    data = training_data([clips, *sources()], config, epochs=2)
    assert data.count_batches(2) == len(list(data))


def test_preference_batches_have_the_worse_answer_and_keep_the_limit_for_both() -> None:
    data = training_data(sources(), builder=NumberBuilder(preference=True), epochs=1, preference=True)
    for batch in data:
        assert batch.rejected is not None
        assert batch.rejected.pixels is batch.pixels
        assert max(batch.ids.shape[1], batch.rejected.ids.shape[1]) <= 100
        assert batch.segments.max() == batch.rejected.segments.max()
    with pytest.raises(ConfigError, match="preference=True"):
        next(iter(training_data(sources(), preference=True)))


def changed(facts: Sequence[Numbers]) -> list[Numbers]:
    one, *others = facts
    return [numbers("text", one.sizes[:-1], repeat_time=2.0), *others]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sources": changed(sources())}, r"data set 'text' has changed.*rows 23 became 22"),
        ({"sources": sources()[1:]}, r"data sets text, pictures, few; it can't go on with pictures, few"),
        ({"config": small_config(seed=1)}, r"data\.seed = 0, it can't go on with 1"),
        ({"config": small_config(pack_tokens=99)}, r"data\.pack_tokens = 100"),
        ({"world": 4}, r"saved with world 2 .* with world 4"),
        ({"rank": 1}, r"saved with rank 0 .* with rank 1"),
    ],
)
def test_a_state_is_refused_where_it_does_not_fit(options: dict[str, object], message: str) -> None:
    state = training_data(sources(), world=2, epochs=1).state_dict()
    arguments = {"sources": sources(), "world": 2, "epochs": 1, **options}
    with pytest.raises(ConfigError, match=message):
        training_data(**arguments).load_state_dict(state)  # type: ignore[arg-type]


def test_more_epochs_other_workers_and_another_row_count_may_go_on() -> None:
    first = training_data(sources(), epochs=1)
    batches = iter(first)
    for _ in range(3):
        next(batches)
    longer = training_data(sources(), small_config(workers=1), epochs=2, rows=2)
    longer.load_state_dict(first.state_dict())
    got = [origin for batch in longer for origin in batch.origins]
    whole = [origin for batch in training_data(sources(), epochs=2) for origin in batch.origins]
    assert got == whole[-len(got) :]
    assert longer.epochs_read == 2.0
    with pytest.raises(ConfigError, match="lacks"):
        longer.load_state_dict({"position": 3})


def test_loading_leaves_the_global_random_state_alone() -> None:
    before = torch.get_rng_state()
    for workers in (0, 1):
        list(training_data(sources(), small_config(workers=workers), epochs=0.5))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank": 2, "world": 2}, "rank 2 of 2"),
        ({"rows": 0}, "1 row or more"),
        ({"epochs": 0}, "above 0"),
        ({"config": small_config(group_by_length=True)}, "packing=false"),
    ],
)
def test_impossible_numbers_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        training_data(sources(), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values", [{"held_back": 1.0}, {"pack_buffer": 0}, {"max_tokens": 0}, {"workers": -1}, {"video_frames": (4, 2)}]
)
def test_impossible_settings_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        small_config(**values)


def test_nothing_to_train_on_is_an_error() -> None:
    for empty in ([numbers("a", [])], [numbers("a", [(3, 0)], repeat_time=0.0)], [numbers("a", [(3, 0)], weight=0.0)]):
        with pytest.raises(ManifestError, match="no records to train on"):
            training_data(empty)
