"""Frame numbers by known answers, and the limits around them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from internvl.errors import MediaError
from internvl.media.sampling import MAX_FRAMES, fps_indices, segment_indices


@pytest.mark.parametrize(
    ("total", "frames", "expected"),
    [
        (300, 8, [18, 55, 93, 130, 168, 205, 242, 280]),
        (10, 8, [0, 1, 2, 3, 4, 6, 7, 8]),
        (101, 16, [3, 9, 15, 22, 28, 34, 41, 47, 53, 59, 65, 72, 78, 84, 91, 97]),
        (4, 8, [0, 0, 1, 1, 2, 2, 2, 3]),
        (1, 3, [0, 0, 0]),
        (300, 1, [149]),
    ],
)
def test_segments(total: int, frames: int, expected: list[int]) -> None:
    assert segment_indices(total, 30.0, frames) == expected


def test_segments_between_two_times() -> None:
    assert segment_indices(300, 30.0, 8, 2, 6) == [67, 82, 97, 112, 127, 142, 157, 172]
    assert segment_indices(300, 30.0, 8, None, 100) == segment_indices(300, 30.0, 8)
    assert segment_indices(300, 30.0, 2, 5) == [187, 261]  # of 150 to 299


@given(st.integers(1, 5000), st.floats(0.5, 120), st.integers(1, 64), st.floats(0, 1), st.floats(0, 1))
def test_segments_equal_the_card_s_formula(total: int, fps: float, frames: int, one: float, other: float) -> None:
    start_s, end_s = (bound * (total - 1) / fps for bound in sorted((one, other)))
    start, end = max(0, round(start_s * fps)), min(round(end_s * fps), total - 1)
    size = (end - start) / frames
    expected = [int(start + (size / 2) + np.round(size * number)) for number in range(frames)]
    found = segment_indices(total, fps, frames, start_s, end_s)
    assert found == expected == sorted(found)
    assert 0 <= found[0] <= found[-1] < total


def test_stills_per_second() -> None:
    assert fps_indices(100, 10.0, 1.0) == [5, 15, 25, 35, 45, 55, 65, 75, 85, 95]
    assert fps_indices(100, 10.0, 0.5) == [10, 30, 50, 70, 90]
    assert fps_indices(100, 10.0, 1.0, max_frames=3) == [5, 15, 25]
    assert len(fps_indices(10**6, 10.0, 9.0, max_frames=MAX_FRAMES)) == MAX_FRAMES
    assert fps_indices(100, 10.0, 1.0, start_s=2.0, end_s=5.0) == [25, 35, 45]
    assert fps_indices(3, 10.0, 20.0) == [0, 1, 1, 2, 2]


def test_a_clip_shorter_than_an_interval_gives_its_middle() -> None:
    assert fps_indices(5, 10.0, 0.1) == [2]
    assert fps_indices(100, 10.0, 0.01, start_s=2.0, end_s=4.0) == [30]


@given(st.integers(1, 3000), st.floats(1, 60), st.floats(0.05, 10))
def test_stills_per_second_equal_the_training_loader_s(total: int, fps: float, rate: float) -> None:
    length, step = total / fps, 1 / rate
    centres = np.arange(step / 2, length + step / 2, step)
    expected = [int(index) for index in np.around(centres * fps) if index < total]
    try:
        found = fps_indices(total, fps, rate)
    except MediaError:
        assert length * rate > MAX_FRAMES
        return
    assert found == (expected or [(total - 1) // 2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 30.0, 8), "has 0 frames"),
        ((-1, 30.0, 8), "has -1 frames"),
        ((300, 0.0, 8), "rate is 0.0"),
        ((300, math.nan, 8), "rate is nan"),
        ((300, 30.0, 0), "0 were asked for"),
        ((300, 30.0, MAX_FRAMES + 1), "4097 were asked for"),
        ((300, 30.0, 8, 10.0, 12.0), "10.00 s long .300 frames at 30.00 per second.: 10 s to 12 s"),
        ((300, 30.0, 8, 11.0), "11 s to its end"),
        ((300, 30.0, 8, -1.0, 2.0), "start_s is a time of 0 s or later, not -1.0"),
        ((300, 30.0, 8, None, -2.0), "end_s is a time of 0 s or later, not -2.0"),
        ((300, 30.0, 8, math.nan), "not nan"),
        ((300, 30.0, 8, None, math.inf), "not inf"),
    ],
)
def test_impossible_segments(arguments: tuple[float, ...], message: str) -> None:
    with pytest.raises(MediaError, match=message):
        segment_indices(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf, 9999.0])
def test_impossible_rates(rate: float) -> None:
    with pytest.raises(MediaError, match=r"positive rate|were asked for"):
        fps_indices(10_000, 30.0, rate)
