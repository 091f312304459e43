"""Bootstrap intervals against what is known on paper, their coverage in simulation, and the exact tests."""

from __future__ import annotations

import math

import numpy
import pytest

from internvl.eval.bootstrap import bootstrap_mean, paired_bootstrap, sign_test
from internvl.eval.errors import EvalError


def test_an_interval_of_many_samples_is_the_normal_one() -> None:
    values = numpy.random.default_rng(1).normal(10, 2, 2000)
    found = bootstrap_mean(values, resamples=4000)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((found.mean - half, found.mean + half), abs=0.06 * half * 2)


def test_an_interval_of_zeros_and_ones_is_the_binomial_one() -> None:
    """The fast way for few different values: the resampled mean is a binomial share, whose quantiles are known."""
    found = bootstrap_mean([1.0] * 30 + [0.0] * 70, resamples=100_000)
    assert (found.low, found.high) == pytest.approx((0.21, 0.39), abs=0.011)


def test_both_ways_of_drawing_agree() -> None:
    rng = numpy.random.default_rng(2)
    few = rng.integers(0, 40, 500) / 40.0
    many = few + rng.uniform(0, 1e-9, 500)  # all different
    one, other = bootstrap_mean(few), bootstrap_mean(many)
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.003)


def test_intervals_cover_the_truth_about_as_often_as_they_promise() -> None:
    rng = numpy.random.default_rng(3)
    inside = 0
    for trial in range(300):
        ours, theirs = (rng.random(150) < 0.6).astype(float), (rng.random(150) < 0.5).astype(float)
        found = paired_bootstrap(ours, theirs, resamples=500, seed=trial)
        inside += found.low <= 0.1 <= found.high
    assert 0.91 <= inside / 300 <= 0.98


def test_pairing_takes_out_what_is_hard_for_both() -> None:
    rng = numpy.random.default_rng(4)
    hard = rng.normal(0, 5, 400)
    found = paired_bootstrap(hard + 0.2, hard + rng.normal(0, 0.1, 400))
    assert found.decided
    assert found.high - found.low < 0.05
    assert not paired_bootstrap(hard, rng.permutation(hard)).decided


def test_whole_groups_are_drawn_together() -> None:
    """Ten questions about each picture that are all right or all wrong are no more evidence than one."""
    right = numpy.random.default_rng(5).random(60) < 0.5
    scores = numpy.repeat(right.astype(float), 10)
    alone = bootstrap_mean(right.astype(float), resamples=5000)
    grouped = bootstrap_mean(scores, groups=[place // 10 for place in range(600)], resamples=5000)
    apart = bootstrap_mean(scores, resamples=5000)
    assert (grouped.groups, grouped.n) == (60, 600)
    assert grouped.high - grouped.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert grouped.high - grouped.low > 2.5 * (apart.high - apart.low)


def test_groups_of_different_sizes_weigh_by_their_samples() -> None:
    found = bootstrap_mean([1.0] * 9 + [0.0], groups=["a"] * 9 + ["b"])
    assert found.mean == pytest.approx(0.9)
    assert (found.low, found.high) == (0.0, 1.0)


def test_the_seed_decides_the_interval() -> None:
    scores = numpy.random.default_rng(6).random(200)
    assert bootstrap_mean(scores, seed=7) == bootstrap_mean(scores, seed=7)
    assert bootstrap_mean(scores, seed=7) != bootstrap_mean(scores, seed=8)


def test_the_same_scores_differ_by_nothing() -> None:
    found = paired_bootstrap([0.0, 1.0, 0.5], [0.0, 1.0, 0.5])
    assert (found.mean, found.low, found.high, found.decided) == (0, 0, 0, False)


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (1, 0, 1.0),
        (6, 0, 2 / 64),
        (8, 1, 2 * 10 / 512),
        (2, 10, 2 * (1 + 12 + 66) / 4096),
        (3, 4, 1.0),
    ],
)
def test_the_sign_test_counts_coins(wins: int, losses: int, p: float) -> None:
    assert sign_test(wins, losses) == pytest.approx(p) == sign_test(losses, wins)


def test_the_sign_test_takes_large_counts() -> None:
    n, fewer = 40_000, 19_600
    z = (n / 2 - fewer - 0.5) / math.sqrt(n / 4)
    assert sign_test(fewer, n - fewer) == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-2)
    assert sign_test(0, 100_000) == 0.0


@pytest.mark.parametrize(
    ("scores", "settings", "words"),
    [
        ([], {}, "at least one"),
        ([1.0, math.nan], {}, "score 1 of 2"),
        ([1.0], {"resamples": 0}, "resamples"),
        ([1.0], {"confidence": 1.0}, "confidence"),
        ([1.0, 2.0], {"groups": ["a"]}, "2 scores, 1 groups"),
    ],
)
def test_impossible_requests_are_refused(scores: list[float], settings: dict[str, object], words: str) -> None:
    with pytest.raises(EvalError, match=words):
        bootstrap_mean(scores, **settings)  # type: ignore[arg-type]


def test_pairs_need_the_same_samples_and_counts_are_not_negative() -> None:
    with pytest.raises(EvalError, match="2 and 1"):
        paired_bootstrap([1.0, 0.0], [1.0])
    with pytest.raises(EvalError, match="counts"):
        sign_test(-1, 2)
