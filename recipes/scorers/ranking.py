"""How well scores order: area under the ROC curve, average precision, rank correlation. Ties count half.

scores [n], labels or grades [n] -> one number
"""

from __future__ import annotations

import numpy
from numpy.typing import NDArray

Floats = NDArray[numpy.float64]


def ranks(values: Floats) -> Floats:
    """1 for the lowest; equal values share the mean of their ranks."""
    _, place, counts = numpy.unique(values, return_inverse=True, return_counts=True)
    last = numpy.cumsum(counts)
    shared: Floats = (last - (counts - 1) / 2)[place]
    return shared


def area_under_roc(scores: Floats, positive: NDArray[numpy.bool_]) -> float:
    """How likely a positive scores above a negative."""
    ups, downs = int(positive.sum()), int((~positive).sum())
    return float((ranks(scores)[positive].sum() - ups * (ups + 1) / 2) / (ups * downs))


def average_precision(scores: Floats, positive: NDArray[numpy.bool_]) -> float:
    """Mean over positives of the precision when all that score at least as high are taken."""
    at_least = [(scores >= score) for score in scores[positive]]
    return float(numpy.mean([positive[taken].mean() for taken in at_least]))


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's: the correlation of the ranks."""
    return float(numpy.corrcoef(ranks(one), ranks(other))[0, 1])
