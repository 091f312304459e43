"""CIDEr-D: how much a caption shares of what the references say and other pictures don't.

tokens -> n-gram counts weighted by rarity over pictures -> clipped cosine per reference and order, times a length penalty -> 0..10.
Source: Vedantam et al. 2015, the D variant of the COCO caption scorers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from internvl.eval.metrics.captions.bleu import ORDERS, Tokens, n_grams

_SIGMA = 6.0

NGram = tuple[str, ...]


def cider(hypotheses: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> list[float]:
    """CIDEr-D of every picture; their mean is the score. With one picture in the corpus every score is 0.

    Rarity counts the pictures of this call, so scores of parts of a set can't be averaged to that of the whole.
    """
    known = [[_counts(one) for one in ones] for ones in references]
    pictures: Counter[NGram] = Counter()
    for ones in known:
        pictures.update({gram for counts in ones for order in counts for gram in order})
    everything = math.log(len(known)) if known else 0.0
    rarity = {gram: everything - math.log(max(1, count)) for gram, count in pictures.items()}
    return [
        10 * sum(_similarity(_counts(said), one, rarity, everything) for one in ones) / (ORDERS * len(ones))
        for said, ones in zip(hypotheses, known, strict=True)
    ]


def _counts(tokens: Tokens) -> list[Counter[NGram]]:
    return [n_grams(tokens, order + 1) for order in range(ORDERS)]


def _similarity(said: list[Counter[NGram]], known: list[Counter[NGram]], rarity: dict[NGram, float], unseen: float) -> float:
    """The sum over orders of the clipped cosine, times the penalty for different numbers of bigrams."""
    penalty = math.exp(-((said[1].total() - known[1].total()) ** 2) / (2 * _SIGMA**2))
    total = 0.0
    for mine, theirs in zip(said, known, strict=True):
        weighted = {gram: count * rarity.get(gram, unseen) for gram, count in mine.items()}
        wanted = {gram: count * rarity.get(gram, unseen) for gram, count in theirs.items()}
        norms = math.sqrt(sum(value**2 for value in weighted.values()) * sum(value**2 for value in wanted.values()))
        product = sum(min(value, wanted.get(gram, 0.0)) * wanted.get(gram, 0.0) for gram, value in weighted.items())
        total += penalty * (product / norms if norms else product)
    return total
