"""Which pack an example joins, and when a pack is complete, on cases small enough to follow by hand."""

from __future__ import annotations

from internvl.data.builder import Measure
from internvl.data.packing import Packer


def packer(*, tokens: int = 100, tiles: int = 10, most_open: int = 2) -> Packer[Measure]:
    return Packer(max_tokens=tokens, max_tiles=tiles, most_open=most_open)


def test_an_example_joins_the_first_pack_with_room_the_fullest_of_tiles_first() -> None:
    packs = packer()
    few, many, small, text = Measure(60, 2), Measure(60, 7), Measure(30, 3), Measure(10, 0)
    for item in (few, many):
        assert packs.add(item) is None
    assert [pack.items for pack in packs.open] == [[many], [few]]
    assert packs.add(small) == [many, small]  # 10 tiles: full, so it comes out at once
    assert packs.add(text) is None
    assert [pack.items for pack in packs.open] == [[few, text]]


def test_a_pack_that_has_exactly_its_tokens_comes_out() -> None:
    packs = packer()
    assert packs.add(Measure(40, 1)) is None
    assert packs.add(Measure(61, 1)) is None  # a second pack: 101 tokens would be one too many
    assert packs.add(Measure(60, 1)) == [Measure(40, 1), Measure(60, 1)]
    assert packs.add(Measure(100, 0)) == [Measure(100, 0)]


def test_too_many_open_packs_push_out_the_one_with_most_tiles() -> None:
    packs = packer()
    for item in (Measure(90, 1), Measure(90, 3)):
        packs.add(item)
    assert packs.add(Measure(90, 2)) == [Measure(90, 3)]
    assert list(packs.flush()) == [[Measure(90, 2)], [Measure(90, 1)]]
    assert packs.open == []


def test_packs_of_text_alone_leave_oldest_first() -> None:
    packs = packer()
    out = [packs.add(Measure(tokens, 0)) for tokens in (91, 92, 93, 94)]
    assert out == [None, None, [Measure(91, 0)], [Measure(92, 0)]]


def test_what_is_larger_than_a_pack_is_refused_with_both_numbers() -> None:
    packs = packer()
    assert packs.refusal(Measure(100, 10)) is None
    assert packs.refusal(Measure(101, 0)) == "101 tokens, but a pack holds at most 100 (pack_tokens)"
    assert packs.refusal(Measure(1, 13)) == "13 tiles, but a pack holds at most 10 (pack_tiles)"
