"""Groups of equal and near pictures and captions: complete, and the same for any number of parts, blocks and order of work."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest

from internvl.pipelines.clean.caption_groups import near_words, same_words
from internvl.pipelines.clean.components import components, spanning
from internvl.pipelines.clean.features import LAYOUT, Features, features_of, open_features
from internvl.pipelines.clean.grouping import Groups
from internvl.pipelines.clean.minhash import minhash
from internvl.pipelines.clean.pairs import find_pairs
from internvl.pipelines.clean.picture_groups import NearLooks, SamePixels, block_masks, near_looks, picture_matchers
from internvl.pipelines.clean.rules import DuplicateRule, Rules
from internvl.pipelines.clean.survivors import NEAR, SAME, lost_rows
from internvl.pipelines.clean.tasks import run_here

BITS, COLOURS = 5, 20.0


def naive_groups(pairs: Sequence[tuple[int, int]]) -> dict[int, int]:
    """The smallest member of each one's component, by plain search."""
    near: dict[int, set[int]] = {}
    for first, second in pairs:
        near.setdefault(first, set()).add(second)
        near.setdefault(second, set()).add(first)
    found: dict[int, int] = {}
    for start in sorted(near):
        todo = [start]
        while todo:
            each = todo.pop()
            if each not in found:
                found[each] = start
                todo += near[each]
    return found


@pytest.mark.parametrize("seed", range(8))
def test_components_are_those_of_a_plain_search(seed: int) -> None:
    draw = random.Random(seed)
    pairs = [(draw.randrange(60), draw.randrange(60)) for _ in range(draw.randrange(1, 70))]
    members, group = components(numpy.array(pairs, dtype=numpy.uint64))
    assert dict(zip(members.tolist(), group.tolist(), strict=True)) == naive_groups(pairs)
    again, group_again = components(spanning(numpy.array(pairs, dtype=numpy.uint64)))
    inner = {each: of for each, of in naive_groups(pairs).items() if list(naive_groups(pairs).values()).count(of) > 1}
    assert dict(zip(again.tolist(), group_again.tolist(), strict=True)) == inner


def test_a_long_chain_is_one_component() -> None:
    chain = numpy.array(list(itertools.pairwise(random.Random(0).sample(range(3000), 3000))), dtype=numpy.uint64)
    _, group = components(chain)
    assert set(group.tolist()) == {0}
    assert [len(part) for part in components(numpy.empty((0, 2), numpy.uint64))] == [0, 0]


def features(folder: Path, rows: int, seed: int = 0, **columns: Any) -> Features:
    """Random features with near and equal rows among them; columns that are given are taken as they are."""
    draw = numpy.random.default_rng(seed)
    phash = draw.integers(0, 1 << 63, rows, dtype=numpy.uint64)
    signature = draw.integers(0, 256, (rows, 96), dtype=numpy.uint8)
    content = draw.integers(0, 1 << 63, (rows, 2), dtype=numpy.uint64)
    for row in range(rows // 2, rows):
        other = int(draw.integers(0, row))
        flips = draw.choice(64, int(draw.integers(0, 9)), replace=False)
        phash[row] = phash[other] ^ numpy.bitwise_or.reduce(numpy.left_shift(numpy.uint64(1), flips.astype(numpy.uint64)), initial=0)
        shift = draw.integers(-12, 13, 96) * int(draw.integers(0, 3))
        signature[row] = numpy.clip(signature[other].astype(int) + shift, 0, 255)
        if draw.random() < 0.2:
            content[row], phash[row], signature[row] = content[other], phash[other], signature[other]
    arrays = {
        "content": content,
        "phash": phash,
        "signature": signature,
        "shape": numpy.zeros(rows),
        "state": numpy.full(rows, 2),
        "caption": draw.integers(0, 1 << 63, rows, dtype=numpy.uint64),
        "sketch": draw.integers(0, 1 << 16, (rows, 64)),
        "spoken": numpy.ones(rows),
        **columns,
    }
    folder.mkdir(parents=True)
    for name, (kind, _) in LAYOUT.items():
        (folder / f"{name}.bin").write_bytes(numpy.ascontiguousarray(arrays[name].astype(kind)).tobytes())
    (folder / "features.json").write_text(json.dumps({"rows": rows, "total": rows}))
    return open_features(folder)


def expected_pictures(found: Features) -> dict[int, int]:
    rows = numpy.array(list(itertools.combinations(range(found.total), 2)), dtype=numpy.uint64)
    near = near_looks(found.arrays, rows[:, 0], rows[:, 1], bits=BITS, colours=COLOURS)
    same = (found.arrays["content"][rows[:, 0]] == found.arrays["content"][rows[:, 1]]).all(axis=1)
    return naive_groups([(int(a), int(b)) for a, b in rows[near | same]])


@pytest.mark.parametrize("rows_per_part", [1000, 37])
@pytest.mark.parametrize("blocks", [6, 8])
def test_near_pictures_are_found_completely_for_any_parts_and_blocks(tmp_path: Path, rows_per_part: int, blocks: int) -> None:
    found = features(tmp_path / "features", 160)
    matchers = [SamePixels(), *(NearLooks(mask, BITS, COLOURS) for mask in block_masks(BITS, blocks))]
    pairs = find_pairs(tmp_path / "features", matchers, tmp_path / "work", run_tasks=run_here, rows_per_part=rows_per_part)
    members, group = components(pairs)
    expected = expected_pictures(found)
    assert len(expected) > 40
    assert dict(zip(members.tolist(), group.tolist(), strict=True)) == expected
    assert not list((tmp_path / "work").iterdir())


def test_the_order_in_which_tasks_are_done_does_not_matter(tmp_path: Path) -> None:
    found = features(tmp_path / "features", 120, seed=3)

    def backwards(task: Any, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        return [task(*each) for each in reversed(arguments)][::-1]

    matchers = picture_matchers(found.total, bits=BITS, colours=COLOURS)
    pairs = find_pairs(tmp_path / "features", matchers, tmp_path / "work", run_tasks=backwards, rows_per_part=20)
    members, group = components(pairs)
    assert dict(zip(members.tolist(), group.tolist(), strict=True)) == expected_pictures(found)


@pytest.mark.parametrize(("bits", "blocks"), [(0, 1), (3, 5), (6, 8)])
def test_hashes_that_differ_a_little_agree_under_some_mask(bits: int, blocks: int) -> None:
    masks = block_masks(bits, blocks)
    draw = random.Random(1)
    for _ in range(300):
        difference = sum(1 << place for place in draw.sample(range(64), bits))
        assert any(difference & mask == 0 for mask in masks)


def test_flat_pictures_are_only_equal_by_pixels(tmp_path: Path) -> None:
    content = numpy.array([[1, 1], [1, 1], [2, 2], [3, 3]], dtype=numpy.uint64)
    found = features(
        tmp_path / "features",
        4,
        content=content,
        phash=numpy.zeros(4),
        signature=numpy.zeros((4, 96)),
        state=numpy.array([1, 1, 1, 0]),
    )
    matchers = picture_matchers(4, bits=6, colours=24)
    members, _ = components(find_pairs(tmp_path / "features", matchers, tmp_path / "work", run_tasks=run_here))
    assert members.tolist() == [0, 1]
    assert found.rows == 4


def test_captions_meet_when_they_say_nearly_the_same(tmp_path: Path) -> None:
    text = "a small brown dog runs along the sandy beach near the old lighthouse in the early morning of a summer day"
    texts = [text, text.replace("summer", "winter"), "two people ride bicycles through a crowded street", text, text]
    sketch = numpy.stack([minhash(each) for each in texts])
    caption = numpy.array([1, 2, 3, 1, 1], dtype=numpy.uint64)
    features(tmp_path / "features", 5, sketch=sketch, caption=caption, spoken=numpy.array([1, 1, 1, 1, 0]))

    def grouped(matchers: Any) -> dict[int, int]:
        members, group = components(find_pairs(tmp_path / "features", matchers, tmp_path / "work", run_tasks=run_here))
        return dict(zip(members.tolist(), group.tolist(), strict=True))

    assert grouped(same_words()) == {0: 0, 3: 0}
    assert grouped(near_words()) == {0: 0, 1: 0, 3: 0}


def test_columns_become_arrays_and_absent_values_are_states() -> None:
    import pyarrow

    table = pyarrow.table(
        {
            "content_hash": ["ab" * 32, "cd" * 32, None],
            "phash": ["00000000000000ff", None, None],
            "signature": ["01" * 96, "02" * 96, None],
            "width": [200, 100, None],
            "height": [100, 100, None],
            "dropped": pyarrow.array([None, None, "damaged picture: x"], pyarrow.string()),
        }
    )
    arrays = features_of(table)
    assert arrays["state"].tolist() == [2, 1, 0]
    assert arrays["phash"].tolist() == [255, 0, 0]
    assert arrays["content"][0].tolist() == [0xABABABABABABABAB] * 2
    assert arrays["shape"][0] == pytest.approx(numpy.log(2))
    assert not arrays["spoken"].any()


class TestSurvivors:
    """Row 1 is near 0 and 2, which are not near each other; 3 has the pixels of 0; 4 is in an evaluation set and near 2."""

    @pytest.fixture
    def groups(self, tmp_path: Path) -> Groups:
        phash = numpy.array([0, 0b1111, 0b11111111, 0, 0b1111111100000000 >> 4], dtype=numpy.uint64)
        phash[4] = phash[2] ^ numpy.uint64(1 << 40)
        content = numpy.array([[1, 1], [2, 2], [3, 3], [1, 1], [5, 5]], dtype=numpy.uint64)
        found = features(tmp_path / "features", 5, phash=phash, content=content, signature=numpy.zeros((5, 96)))
        pictures = numpy.array([(row, 0) for row in range(5)], dtype=[("row", "<u8"), ("group", "<u8")])
        return Groups(Features(found.arrays, 4, 5), pictures, numpy.empty(0))

    def lost(self, groups: Groups, passes: Sequence[bool], worth: Sequence[float] = (0,) * 5, **settings: Any) -> dict[int, Any]:
        evaluation = settings.pop("evaluation", False)
        rules = Rules(name="r", title="r", columns=(), duplicates=DuplicateRule(near_bits=4, **settings), evaluation=evaluation)
        found = lost_rows(groups, rules, passes=numpy.array([*passes, False]), worth=numpy.array(worth, float))
        return {int(row): (int(stays), int(how)) for row, stays, how in found}

    def test_the_first_stays_and_only_what_is_near_it_by_itself_goes(self, groups: Groups) -> None:
        assert self.lost(groups, [True] * 4) == {1: (0, NEAR), 3: (0, SAME)}

    def test_what_is_dropped_anyhow_makes_no_duplicates(self, groups: Groups) -> None:
        assert self.lost(groups, [False, True, True, False]) == {0: (1, NEAR), 2: (1, NEAR), 3: (1, NEAR)}
        assert self.lost(groups, [False] * 4) == {}

    def test_the_worthiest_stays(self, groups: Groups) -> None:
        assert self.lost(groups, [True] * 4, worth=(0, 9, 1, 2, 0)) == {0: (1, NEAR), 2: (1, NEAR), 3: (1, NEAR)}

    def test_rules_choose_what_counts(self, groups: Groups) -> None:
        assert self.lost(groups, [True] * 4, near=False) == {3: (0, SAME)}
        assert self.lost(groups, [True] * 4, near=False, exact=False) == {}

    def test_evaluation_sets_come_first_and_count_whatever_is_near(self, groups: Groups) -> None:
        assert self.lost(groups, [True] * 4, evaluation=True, near=False, exact=False) == {2: (4, NEAR)}
        assert self.lost(groups, [True] * 4, evaluation=True) == {1: (0, NEAR), 2: (4, NEAR), 3: (0, SAME)}
