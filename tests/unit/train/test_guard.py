"""Which steps are taken, which skipped, and when a run is given up."""

from __future__ import annotations

import pytest

from internvl.errors import ConfigError
from internvl.train.guard import PATIENCE, SETTLED, Guard

NAN = float("nan")


@pytest.mark.parametrize(("loss", "norm"), [(NAN, 1.0), (float("inf"), 1.0), (1.0, NAN), (1.0, float("inf"))])
def test_what_is_no_number_stops_or_is_skipped(loss: float, norm: float) -> None:
    assert Guard().judge(loss, norm).action == "stop"
    verdict = Guard(on_nan="skip").judge(loss, norm)
    assert verdict.action == "skip"
    assert str(loss) in verdict.reason


def test_any_finite_gradient_passes_without_a_factor() -> None:
    guard = Guard()
    assert all(guard.judge(1.0, norm).action == "take" for norm in [1.0] * 40 + [1e30])


def test_a_gradient_far_above_the_median_is_skipped_once_there_is_one() -> None:
    guard = Guard(spike_factor=5.0)
    assert guard.judge(1.0, 1e6).action == "take"  # nothing to compare with yet
    for _ in range(SETTLED):
        assert guard.judge(1.0, 2.0).action == "take"
    assert guard.judge(1.0, 9.9).action == "take"
    verdict = guard.judge(1.0, 10.1)
    assert verdict.action == "skip"
    assert "over 5 times its running median 2" in verdict.reason
    assert guard.skipped == 1


def test_a_skipped_gradient_does_not_move_the_median() -> None:
    guard = Guard(spike_factor=2.0)
    for _ in range(SETTLED):
        guard.judge(1.0, 1.0)
    for _ in range(PATIENCE - 1):
        guard.judge(1.0, 100.0)
    assert guard.usual_norm == 1.0


def test_ten_in_a_row_are_too_many_and_one_good_step_begins_anew() -> None:
    guard = Guard(on_nan="skip")
    for _ in range(PATIENCE - 1):
        assert guard.judge(NAN, 1.0).action == "skip"
    assert guard.judge(1.0, 1.0).action == "take"
    for _ in range(PATIENCE - 1):
        assert guard.judge(NAN, 1.0).action == "skip"
    verdict = guard.judge(NAN, 1.0)
    assert verdict.action == "stop"
    assert "10 steps in a row" in verdict.reason


def test_a_continued_guard_judges_alike() -> None:
    guard, other = Guard(on_nan="skip", spike_factor=3.0), Guard(on_nan="skip", spike_factor=3.0)
    for number in range(30):
        guard.judge(NAN if number % 7 == 0 else 1.0, 1.0 + number % 3)
    other.load_state_dict(guard.state_dict())
    for norm in (2.0, 5.9, 6.1, NAN, 100.0):
        assert guard.judge(1.0, norm) == other.judge(1.0, norm)
    assert guard.state_dict() == other.state_dict()


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="on_nan must be stop or skip"):
        Guard(on_nan="pray")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="spike_factor must be above 1"):
        Guard(spike_factor=0.5)
