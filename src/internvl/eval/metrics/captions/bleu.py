"""BLEU-1 to BLEU-4 over a corpus, as the COCO caption scorers compute it.

tokens of a caption, tokens of its references -> clipped n-gram counts summed over pictures -> four scores 0..1.
Source: Papineni et al. 2002; the closest reference length, and two tiny numbers instead of a division by zero.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

ORDERS = 4
_TINY, _SMALL = 1e-15, 1e-9

Tokens = Sequence[str]


def bleu(hypotheses: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> list[float]:
    """`[BLEU-1, ..., BLEU-4]` of `hypotheses[i]` against `references[i]`, each already split into tokens."""
    right, made = [0] * ORDERS, [0] * ORDERS
    length = wanted = 0
    for said, known in zip(hypotheses, references, strict=True):
        length += len(said)
        wanted += min((abs(len(one) - len(said)), len(one)) for one in known)[1]
        for order in range(ORDERS):
            right[order] += _clipped(said, known, order + 1)
            made[order] += max(0, len(said) - order)
    shrink = _brevity(length, wanted)
    scores, product = [], 1.0
    for order in range(ORDERS):
        product *= (right[order] + _TINY) / (made[order] + _SMALL)
        scores.append(product ** (1 / (order + 1)) * shrink)
    return scores


def n_grams(tokens: Tokens, order: int) -> Counter[tuple[str, ...]]:
    """How often every run of `order` tokens occurs."""
    return Counter(zip(*(tokens[start:] for start in range(order)), strict=False))


def _clipped(said: Tokens, known: Sequence[Tokens], order: int) -> int:
    most: Counter[tuple[str, ...]] = Counter()
    for one in known:
        most |= n_grams(one, order)
    return (n_grams(said, order) & most).total()


def _brevity(length: int, wanted: int) -> float:
    ratio = (length + _TINY) / (wanted + _SMALL)
    return math.exp(1 - 1 / ratio) if 1e-3 < ratio < 1 else 1.0 if ratio >= 1 else 0.0
