"""What is kept of finished requests: the longest agreement is found, memory is counted in storage, and duplicates go."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from tiny import vlm

from internvl.engine.prefix import Prefix
from internvl.engine.prefix_pool import MOST_KEPT, PrefixPool
from internvl.engine.turns import next_turn
from internvl.inputs import ModelInputs
from internvl.models.language.cache import KVCache

LANGUAGE = vlm().config.language


def kept(ids: Sequence[int], *, capacity: int = 0) -> Prefix:
    cache = KVCache(1, [len(ids)])
    for store in (cache.keys, cache.values):
        store[0] = torch.zeros(1, 1, capacity or len(ids), 2)
    return Prefix(torch.tensor(ids), (), cache, len(ids))


def prompt(ids: Sequence[int]) -> ModelInputs:
    return ModelInputs(ids=torch.tensor(ids), placeholder_id=-1, tokens_per_tile=1)


def test_the_longest_agreement_is_taken() -> None:
    pool = PrefixPool(1000)
    for length in (20, 40, 30):
        pool.add(kept([*range(length), 999]))
    found = pool.take(prompt(range(200)), LANGUAGE)
    assert found is not None
    assert found.ids.tolist()[:40] == list(range(40))
    assert found.lent
    assert pool.take(prompt([5] * 50), LANGUAGE) is None
    assert pool.take(prompt(range(15)), LANGUAGE) is None, "too short an agreement"


def test_whoever_continues_all_of_it_has_it_for_himself() -> None:
    pool = PrefixPool(1000)
    pool.add(kept(range(40)))
    found = pool.take(prompt(range(60)), LANGUAGE)
    assert found is not None
    assert not found.lent
    assert pool.tokens == 0


def test_one_under_way_is_only_lent() -> None:
    pool, busy = PrefixPool(1000), kept(range(40))
    found = pool.take(prompt(range(60)), LANGUAGE, busy=[busy])
    assert found is not None
    assert found.lent
    assert not busy.lent
    assert PrefixPool(0).take(prompt(range(60)), LANGUAGE, busy=[busy]) is None


def test_without_room_for_a_copy_it_is_taken_over() -> None:
    pool = PrefixPool(1000)
    pool.add(kept([*range(40), 999]))
    pool.add(kept([7] * 50))
    found = pool.take(prompt(range(60)), LANGUAGE, room=60)
    assert found is not None
    assert not found.lent
    assert pool.tokens == 50, "the other one still has room"


def test_storage_is_what_counts() -> None:
    pool = PrefixPool(100)
    pool.add(kept(range(30), capacity=55))
    assert pool.tokens == 55
    pool.add(kept([5] * 20, capacity=500))
    assert pool.tokens == 75, "storage that is mostly empty is given back"
    pool.add(kept([6] * 60, capacity=70))
    assert pool.tokens == 90, "the oldest went"
    pool.add(kept([8] * 101))
    assert pool.tokens == 90, "what is longer than all the room drives nobody out"
    pool.shrink(30)
    assert pool.tokens == 0


def test_what_a_longer_one_has_is_not_kept_twice() -> None:
    pool = PrefixPool(1000)
    pool.add(kept(range(30)))
    longer = Prefix(torch.arange(50), (), kept(range(50)).cache, 30)
    pool.add(longer)
    assert pool.tokens == 50


def test_so_many_and_no_more_are_kept() -> None:
    pool = PrefixPool(10**6)
    for number in range(MOST_KEPT + 5):
        pool.add(kept([number] * 20))
    assert pool.tokens == 20 * MOST_KEPT
    assert pool.take(prompt([4] * 30), LANGUAGE) is None
    assert pool.take(prompt([5] * 30), LANGUAGE) is not None


@pytest.mark.parametrize("short_first", [False, True])
def test_turns(short_first: bool) -> None:
    turn = {"chunk": 100, "short_first": short_first}
    assert next_turn([30], left=100, served=[False], **turn) == (0, 100)
    assert next_turn([30, 400], left=100, served=[False, False], **turn) == (0, 100)
    first = next_turn([900, 30, 70], left=100, served=[False] * 3, **turn)
    assert first == ((1, 50) if short_first else (0, 50))
    assert next_turn([850, 30, 70], left=50, served=[True, False, False], **turn) == (1, 50)
    assert next_turn([900, 70], left=50, served=[False, False], **turn) == (0, 50)
    assert next_turn([900, 1], left=1, served=[False, False], chunk=1, short_first=short_first) == (0, 1)
