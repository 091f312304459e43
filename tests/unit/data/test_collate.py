"""Examples side by side in a batch: positions, segments, weights, padding, and pictures in the order of their placeholders."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from internvl.data.collate import collate
from internvl.data.example import Example
from internvl.data.record import Origin
from internvl.errors import ConfigError


def example(ids: list[int], *, learnt: int = 1, tiles: int = 0, mark: float = 0.0, worse: list[int] | None = None) -> Example:
    def labels(of: list[int]) -> Tensor:
        return torch.tensor([-100] * (len(of) - learnt) + of[len(of) - learnt :])

    return Example(
        origin=Origin("set", "set.jsonl", ids[0] + 1),
        ids=torch.tensor(ids),
        labels=labels(ids),
        pixels=torch.full((tiles, 3, 2, 2), mark) if tiles else None,
        rejected_ids=torch.tensor(worse) if worse else None,
        rejected_labels=labels(worse) if worse else None,
    )


ROWS = [
    [example([1, 2, 3], tiles=2, mark=1.0), example([4, 0], tiles=0)],
    [example([0, 0, 7, 8], learnt=4, tiles=1, mark=2.0)],
    [example([9], learnt=0)],
]


def test_rows_hold_their_examples_one_behind_the_other() -> None:
    batch = collate(ROWS, weighting="token")
    assert batch.ids.tolist() == [[1, 2, 3, 4, 0], [0, 0, 7, 8, 0], [9, 0, 0, 0, 0]]
    assert batch.labels.tolist() == [[-100, -100, 3, -100, 0], [0, 0, 7, 8, -100], [-100] * 5]
    assert batch.positions.tolist() == [[0, 1, 2, 0, 1], [0, 1, 2, 3, 0], [0, 0, 0, 0, 0]]
    assert batch.weights.tolist() == [[0, 0, 1, 0, 1], [1, 1, 1, 1, 0], [0] * 5]
    assert batch.weights.dtype == torch.float32
    assert {each.dtype for each in (batch.ids, batch.labels, batch.positions, batch.segments)} == {torch.int64}


def test_padding_is_told_by_segments_so_that_id_0_stays_a_token() -> None:
    batch = collate(ROWS, weighting="token")
    assert batch.segments.tolist() == [[0, 0, 0, 1, 1], [0, 0, 0, 0, -1], [0, -1, -1, -1, -1]]
    assert batch.tokens == 10


def test_pictures_stand_in_the_order_of_the_rows() -> None:
    batch = collate(ROWS, weighting="token")
    assert batch.pixels is not None
    assert batch.pixels[:, 0, 0, 0].tolist() == [1.0, 1.0, 2.0]
    assert [origin.row for origin in batch.origins] == [2, 5, 1, 10]
    assert collate([[example([4, 5])]], weighting="token").pixels is None


def test_each_example_has_its_own_weight() -> None:
    rows = [[example([1, 2, 3, 4, 5], learnt=4), example([6, 7], learnt=1), example([8], learnt=0)]]
    assert collate(rows, weighting="square").weights.tolist() == [[0, 0.5, 0.5, 0.5, 0.5, 0, 1, 0]]
    assert collate(rows, weighting="sample").weights.tolist() == [[0, 0.25, 0.25, 0.25, 0.25, 0, 1, 0]]


def test_the_worse_answers_are_a_second_batch_with_the_same_pictures() -> None:
    rows = [[example([1, 2], tiles=1, worse=[1, 5, 6, 7])], [example([3, 4, 5], worse=[3, 9])]]
    batch = collate(rows, weighting="token")
    assert batch.rejected is not None
    assert batch.ids.tolist() == [[1, 2, 0], [3, 4, 5]]
    assert batch.rejected.ids.tolist() == [[1, 5, 6, 7], [3, 9, 0, 0]]
    assert batch.rejected.segments.tolist() == [[0, 0, 0, 0], [0, 0, -1, -1]]
    assert batch.rejected.pixels is batch.pixels
    assert batch.rejected.origins == batch.origins
    moved = batch.to(torch.device("meta"))
    assert moved.rejected is not None
    assert moved.rejected.pixels is moved.pixels
    assert moved.pixels is not None
    assert moved.pixels.device.type == moved.rejected.ids.device.type == "meta"


def test_examples_with_and_without_a_worse_answer_do_not_mix() -> None:
    with pytest.raises(ConfigError, match="1 of 2 lack it"):
        collate([[example([1, 2], worse=[1, 3]), example([4, 5])]], weighting="token")
