"""The learning rate's factor, step by step."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from internvl.errors import ConfigError
from internvl.train.config import OptimConfig
from internvl.train.schedule import phases, rate_factor

PLAIN = OptimConfig(warmup=0)
SCHEDULES = ("cosine", "linear", "constant", "wsd")


def factors(total: int, config: OptimConfig) -> list[float]:
    return [rate_factor(step, total, config) for step in range(total)]


def test_warmup_climbs_evenly_to_one() -> None:
    assert factors(10, replace(PLAIN, warmup=4, schedule="constant")) == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("warmup", "total", "steps"), [(0.03, 100, 3), (0.03, 110, 4), (0.07, 100, 7), (0.5, 3, 2), (100, 200, 100), (1, 5, 1), (0, 5, 0)]
)
def test_warmup_is_a_fraction_or_a_number_of_steps(warmup: float, total: int, steps: int) -> None:
    assert phases(total, replace(PLAIN, warmup=warmup))[0] == steps


def test_cosine_is_half_way_down_in_the_middle_and_would_end_one_step_after_the_last() -> None:
    config = replace(PLAIN, warmup=2)
    values = factors(10, config)
    assert values[2] == 1.0
    assert values[6] == pytest.approx(0.5)
    assert values[9] == pytest.approx(0.5 * (1 + math.cos(math.pi * 7 / 8)))
    assert rate_factor(10, 10, config) == rate_factor(99, 10, config) == 0.0


def test_linear_falls_evenly_to_the_floor() -> None:
    assert factors(4, replace(PLAIN, schedule="linear", min_lr_ratio=0.2)) == pytest.approx([1.0, 0.8, 0.6, 0.4])
    assert rate_factor(4, 4, replace(PLAIN, schedule="linear", min_lr_ratio=0.2)) == 0.2


@pytest.mark.parametrize("decay", [0.4, 4])
def test_wsd_holds_and_then_falls(decay: float) -> None:
    assert factors(10, replace(PLAIN, schedule="wsd", decay=decay, warmup=2)) == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_decay_of_wsd_does_not_matter_to_the_others() -> None:
    assert factors(5, replace(PLAIN, decay=50)) == factors(5, PLAIN)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_run_of_one_step_has_the_full_rate(schedule: str) -> None:
    assert factors(1, OptimConfig(schedule=schedule)) == [1.0]  # type: ignore[arg-type]


@given(
    schedule=st.sampled_from(SCHEDULES), total=st.integers(1, 500), warmup=st.floats(0, 0.5), decay=st.floats(0, 0.49),
    floor=st.floats(0, 1),
)  # fmt: skip
def test_it_rises_once_falls_once_and_stays_in_bounds(schedule: str, total: int, warmup: float, decay: float, floor: float) -> None:
    config = OptimConfig(schedule=schedule, warmup=warmup, decay=decay, min_lr_ratio=floor)  # type: ignore[arg-type]
    if sum(phases(max(total, 2), config)) > total:
        return
    values = factors(total, config)
    peak = values.index(max(values))
    assert values[: peak + 1] == sorted(values[: peak + 1])
    assert values[peak:] == sorted(values[peak:], reverse=True)
    assert max(values) == 1.0
    assert min(values) > 0.0


@pytest.mark.parametrize(
    ("total", "config", "message"),
    [
        (10, replace(PLAIN, warmup=11), "a warmup of 11 steps do not fit into a run of 10"),
        (10, replace(PLAIN, warmup=6, schedule="wsd", decay=5), "and a decay of 5"),
        (0, PLAIN, "at least 1 step"),
        (10, replace(PLAIN, warmup=-1), "warmup must be"),
        (10, replace(PLAIN, warmup=math.nan), "warmup must be"),
        (10, replace(PLAIN, warmup=1.5), "whole number of steps"),
        (10, replace(PLAIN, min_lr_ratio=1.5), "min_lr_ratio"),
        (10, replace(PLAIN, schedule="step"), "schedule must be"),  # type: ignore[arg-type]
    ],
)
def test_schedules_that_do_not_fit_are_refused(total: int, config: OptimConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rate_factor(0, total, config)


def test_steps_are_counted_from_zero() -> None:
    with pytest.raises(ConfigError, match="counted from 0"):
        rate_factor(-1, 10, PLAIN)
