"""How sure a mean score, or the difference of two, is: bootstrap intervals and the sign test, in numpy.

    differences float[n] -> resampled means float[resamples] -> (mean, low, high)          wins, losses -> p

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13: percentile intervals. McNemar (1947), in its exact form.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy

from internvl.eval.errors import EvalError

Floats: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.float64]]

RESAMPLES = 10_000
CONFIDENCE = 0.95
FEW_VALUES = 64
"""With at most so many different values, how often each is drawn is drawn at once: the same distribution, without n indices."""
CHUNK = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean and its percentile interval. n: samples; groups: what was resampled, which is n without grouping."""

    mean: float
    low: float
    high: float
    n: int
    groups: int

    @property
    def decided(self) -> bool:
        """True where the interval leaves zero out."""
        return self.low > 0 or self.high < 0

    def scaled(self, factor: float) -> Interval:
        """The same in another unit, such as percent."""
        low, high = sorted((self.low * factor, self.high * factor))
        return Interval(mean=self.mean * factor, low=low, high=high, n=self.n, groups=self.groups)


def bootstrap_mean(
    scores: Sequence[float] | Floats,
    *,
    groups: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Interval:
    """The mean of scores [n] with its interval. The same seed gives the same interval.

    groups: a key a sample, such as its picture; whole groups are then drawn, because their samples are not independent.
    Raises EvalError without samples, for numbers that are not finite, and for settings out of range.
    """
    values = _checked(scores, resamples, confidence)
    rng = numpy.random.default_rng(seed)
    if groups is None:
        means, count = _resampled_means(values, resamples, rng), len(values)
    else:
        means, count = _resampled_group_means(values, groups, resamples, rng)
    tail = 100 * (1 - confidence) / 2
    low, high = numpy.percentile(means, (tail, 100 - tail))
    return Interval(mean=float(values.mean()), low=float(low), high=float(high), n=len(values), groups=count)


def paired_bootstrap(
    ours: Sequence[float] | Floats,
    theirs: Sequence[float] | Floats,
    *,
    groups: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Interval:
    """The mean of `ours - theirs` [n, n], sample by sample, with its interval. What is hard for both cancels."""
    if len(ours) != len(theirs):
        raise EvalError(f"paired scores have the same samples in the same order, not {len(ours)} and {len(theirs)}")
    first, second = numpy.asarray(ours, dtype=numpy.float64), numpy.asarray(theirs, dtype=numpy.float64)
    return bootstrap_mean(first - second, groups=groups, resamples=resamples, confidence=confidence, seed=seed)


def sign_test(wins: int, losses: int) -> float:
    """The two-sided exact p-value that `wins` and `losses` come from a fair coin; ties are left out. 1 without either.

    For scores of 0 and 1 this is McNemar's exact test on the samples that only one of two runs has right.
    """
    if wins < 0 or losses < 0:
        raise EvalError(f"wins and losses are counts, not {wins} and {losses}")
    n, fewer = wins + losses, min(wins, losses)
    if 2 * fewer >= n:
        return 1.0
    # From the largest term down: far tails vanish, and a million samples cost a few thousand terms.
    term = math.exp(math.lgamma(n + 1) - math.lgamma(fewer + 1) - math.lgamma(n - fewer + 1) - n * math.log(2))
    total, k = 0.0, fewer
    while k >= 0 and term > total * 1e-17:
        total += term
        term *= k / (n - k + 1)
        k -= 1
    return min(1.0, 2 * total)


def _checked(scores: Sequence[float] | Floats, resamples: int, confidence: float) -> Floats:
    if resamples < 1 or not 0 < confidence < 1:
        raise EvalError(f"resamples is at least 1 and confidence between 0 and 1, not {resamples} and {confidence}")
    values = numpy.asarray(scores, dtype=numpy.float64)
    if values.ndim != 1 or not len(values):
        raise EvalError(f"an interval needs at least one score in one row, not {list(values.shape)}")
    if not numpy.isfinite(values).all():
        raise EvalError(f"score {int(numpy.flatnonzero(~numpy.isfinite(values))[0])} of {len(values)} is not a finite number")
    return values


def _resampled_means(values: Floats, resamples: int, rng: numpy.random.Generator) -> Floats:
    """[resamples]: each the mean of n values drawn with replacement."""
    distinct, counts = numpy.unique(values, return_counts=True)
    n = len(values)
    if len(distinct) <= FEW_VALUES:
        drawn = rng.multinomial(n, counts / n, size=resamples)
        return numpy.asarray(drawn @ distinct / n, dtype=numpy.float64)
    return _drawn_sums(values, resamples, rng) / n


def _resampled_group_means(
    values: Floats, groups: Sequence[Hashable], resamples: int, rng: numpy.random.Generator
) -> tuple[Floats, int]:
    """[resamples]: each the mean over as many groups drawn with replacement, large groups weighing more; and their number."""
    if len(groups) != len(values):
        raise EvalError(f"every score needs its group: {len(values)} scores, {len(groups)} groups")
    places: dict[Hashable, int] = {}
    index = numpy.array([places.setdefault(group, len(places)) for group in groups])
    sums, sizes = numpy.bincount(index, weights=values), numpy.bincount(index)
    state = rng.bit_generator.state
    total = _drawn_sums(sums, resamples, rng)
    rng.bit_generator.state = state  # the same groups again, for their sizes
    return total / _drawn_sums(sizes, resamples, rng), len(places)


def _drawn_sums(values: numpy.ndarray[Any, Any], resamples: int, rng: numpy.random.Generator) -> Floats:
    """[resamples]: each the sum of n values drawn with replacement, in pieces that stay small in memory."""
    n = len(values)
    sums = numpy.empty(resamples)
    step = max(1, CHUNK // n)
    for start in range(0, resamples, step):
        stop = min(start + step, resamples)
        sums[start:stop] = values[rng.integers(0, n, size=(stop - start, n), dtype=numpy.int64)].sum(axis=1)
    return sums
