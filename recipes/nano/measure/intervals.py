"""95 % intervals: Wilson's for shares of right answers, the bootstrap for means and for rates of errors.

values -> (low, high)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Z, RESAMPLES, SEED = 1.959964, 1000, 0


def wilson(right: float, count: int) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927); (0, 1) without any question."""
    if count == 0:
        return 0.0, 1.0
    share, spread = right / count, Z * Z / count
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap(over: Sequence[float], under: Sequence[float] | None = None) -> tuple[float, float]:
    """The interval of sum(over) / sum(under) when the questions are drawn again; without `under` of the mean. Always the same draws."""
    top = np.asarray(over, dtype=float)
    bottom = np.ones_like(top) if under is None else np.asarray(under, dtype=float)
    if len(top) == 0 or bottom.sum() == 0:
        return 0.0, 1.0
    drawn = np.random.default_rng(SEED).integers(0, len(top), size=(RESAMPLES, len(top)))
    rates = top[drawn].sum(axis=1) / np.maximum(bottom[drawn].sum(axis=1), 1e-9)
    low, high = np.percentile(rates, (2.5, 97.5))
    return float(low), float(high)
