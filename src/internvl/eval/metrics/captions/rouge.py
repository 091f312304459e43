"""ROUGE-L of captions: the longest common subsequence of words.

tokens of a caption, tokens of its references -> best precision and best recall -> F with beta 1.2, 0..1.
Source: Lin 2004 as the COCO caption scorers compute it: precision and recall may come from different references.
"""

from __future__ import annotations

from collections.abc import Sequence

_BETA_SQUARED = 1.2**2


def rouge_l(hypothesis: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """ROUGE-L of one caption against its references, each already split into tokens."""
    if not hypothesis:
        return 0.0
    shared = [(common_subsequence(one, hypothesis), len(one)) for one in references]
    precision = max(common for common, _ in shared) / len(hypothesis)
    recall = max(common / length if length else 0.0 for common, length in shared)
    if not precision or not recall:
        return 0.0
    return (1 + _BETA_SQUARED) * precision * recall / (recall + _BETA_SQUARED * precision)


def common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence, by bit vectors: one big-integer step for every token of `other`."""
    places: dict[str, int] = {}
    for position, token in enumerate(one):
        places[token] = places.get(token, 0) | (1 << position)
    every = (1 << len(one)) - 1
    open_places = every
    for token in other:
        here = open_places & places.get(token, 0)
        open_places = ((open_places + here) | (open_places - here)) & every
    return len(one) - open_places.bit_count()
