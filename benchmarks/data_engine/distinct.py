"""Which pictures of the collection are different from each other, so that every duplicate in the trial is one that was planted.

    thumbnails [N, 768] -> root mean square difference of every pair -> the first of those that look alike is kept

This looks at colours on a coarse grid, nothing that the filters under trial look at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from benchmarks.data_engine.drawn import Drawn
from numpy.typing import NDArray

# Of 255. Two sets' drawings of one clock at neighbouring hours differ by about 10.
ALIKE_RMS = 8.0
_BLOCK = 1024


def distinct(pictures: Sequence[Drawn]) -> list[Drawn]:
    """Those that look like none before them, in the order given."""
    first = list({each.digest: each for each in reversed(pictures)}.values())[::-1]
    if not first:
        return []
    small = np.stack([each.thumbnail for each in first]).astype(np.float32)
    kept = np.ones(len(first), dtype=bool)
    squares = (small**2).sum(axis=1)
    for start in range(0, len(first), _BLOCK):
        rows = slice(start, start + _BLOCK)
        _drop_alike(rows, small, squares, kept)
    return [each for each, keep in zip(first, kept, strict=True) if keep]


def difference(one: Drawn, other: Drawn) -> float:
    """Root mean square difference of two thumbnails, 0 to 255."""
    return float(np.sqrt(np.mean((one.thumbnail.astype(np.float32) - other.thumbnail.astype(np.float32)) ** 2)))


def _drop_alike(rows: slice, small: NDArray[np.float32], squares: NDArray[np.float32], kept: NDArray[np.bool_]) -> None:
    """Mark every picture of the block that looks like an earlier one which is kept."""
    end = min(rows.stop, len(small))
    distances = squares[rows, None] + squares[None, :end] - 2 * small[rows] @ small[:end].T  # [block, earlier and block]
    limit = ALIKE_RMS**2 * small.shape[1]
    for row, place in enumerate(range(rows.start, end)):
        if (distances[row, :place][kept[:place]] < limit).any():
            kept[place] = False
