"""Which things belong together when only pairs are known: connected components, in arrays, without a library for graphs.

pairs uint64[m, 2] -> members uint64[k], sorted; group uint64[k], the smallest member of each one's component
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy

Array: TypeAlias = numpy.ndarray[Any, numpy.dtype[Any]]


def components(pairs: Array) -> tuple[Array, Array]:
    """Members of all pairs and their groups; the order of the pairs does not matter. Memory: about 60 bytes a pair."""
    members, flat = numpy.unique(pairs.reshape(-1), return_inverse=True)
    ends = flat.reshape(-1, 2)
    root = numpy.arange(len(members))
    while True:
        first, second = root[ends[:, 0]], root[ends[:, 1]]
        apart = first != second
        if not apart.any():
            return members, members[root]
        ends, first, second = ends[apart], first[apart], second[apart]
        # Every root goes below the smallest root that one of its pairs leads to; parents are smaller, so no circle can close.
        numpy.minimum.at(root, numpy.maximum(first, second), numpy.minimum(first, second))
        root = _flattened(root)


def spanning(pairs: Array) -> Array:
    """As few pairs as connect the same components, uint64[k, 2]: a star around the smallest member of each."""
    members, group = components(pairs)
    inner = members != group
    return numpy.stack([group[inner], members[inner]], axis=1)


def _flattened(root: Array) -> Array:
    """Every parent replaced by the root above it."""
    while True:
        above = root[root]
        if numpy.array_equal(above, root):
            return root
        root = above
