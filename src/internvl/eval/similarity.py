"""Cosines of stored vectors with others, a block of rows at a time, and the rank of what is right in each row.

    features [n, D] in blocks x others [m, D] -> scores [b, m], at most BLOCK_BYTES of them -> rank of the first right column [b]

Columns of equal score rank in the order of their index, as in `metrics.ranking`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from internvl.eval.embedding_task import Features

if TYPE_CHECKING:
    from torch import Tensor

BLOCK_BYTES = 64 << 20
"""The most memory that the scores, or the vectors, of one block take."""


def unit(vectors: Tensor) -> Tensor:
    """Rows of length 1, in float32."""
    import torch

    return torch.nn.functional.normalize(vectors.float(), dim=-1)


def similarities(features: Features, others: Tensor, *, scale: float = 1.0) -> Iterator[tuple[int, Tensor]]:
    """(first row, scale x cosine float32[b, m]) for blocks of rows. `others` [m, D] are of unit length."""
    step = max(1, BLOCK_BYTES // (4 * max(1, len(others), features.width)))
    for start in range(0, len(features), step):
        yield start, scale * (unit(features.block(start, min(len(features), start + step))) @ others.T)


def all_units(features: Features) -> Tensor:
    """float32[n, D] of unit length: 25,000 captions of 768 numbers are 77 MB, where their cosines with 5,000 pictures are 500."""
    import torch

    step = max(1, BLOCK_BYTES // (4 * max(1, features.width)))
    starts = range(0, len(features), step)
    return torch.cat([unit(features.block(start, min(len(features), start + step))) for start in starts])


def first_ranks(scores: Tensor, right: Tensor) -> list[int]:
    """For each row of scores [b, m], how many columns stand before its best right one; right: bool[b, m], one a row at least."""
    import torch

    best, place = scores.masked_fill(~right, -torch.inf).max(dim=1, keepdim=True)
    before = torch.arange(scores.shape[1], device=scores.device) < place
    ranks: list[int] = ((scores > best) | ((scores == best) & before & ~right)).sum(dim=1).tolist()
    return ranks
