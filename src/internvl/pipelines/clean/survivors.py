"""Who stays of each group of equal or near pictures, once the other rules have spoken.

    groups, passes bool[n], worth float[n] --per group, best first--> row -> (the row that stays, how they are alike)

A picture goes only if one that stays is near it by itself, not by a chain of others, and only pictures that pass all other rules stay:
a duplicate of something that is dropped anyhow is no duplicate. Pictures of evaluation sets come first and count as staying.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from internvl.pipelines.clean.grouping import Groups
from internvl.pipelines.clean.pairs import Array
from internvl.pipelines.clean.picture_groups import near_looks, same_pixels
from internvl.pipelines.clean.rules import Rules

SAME, NEAR = 1, 2
"""How a picture is like the one that stays: equal pixels, or nearly the same look."""
LOST = numpy.dtype([("row", "<u8"), ("stays", "<u8"), ("how", "u1")])


def lost_rows(groups: Groups, rules: Rules, *, passes: Array, worth: Array) -> Array:
    """Structured LOST[k], by row: who goes, who stays instead. passes, worth: of each row in `groups.pictures`; higher worth stays.

    Rows of evaluation sets have no say in `passes`; where the rules don't remove their pictures they are left out.
    """
    listed = groups.pictures
    foreign = listed["row"] >= groups.features.rows
    rank = numpy.where(foreign, 0, numpy.where(passes, 1, 2))
    order = numpy.lexsort((listed["row"], -worth, rank, listed["group"]))
    if not rules.evaluation:
        order = order[~foreign[order]]
    rows, ranks, group = listed["row"][order], rank[order], listed["group"][order]
    found: list[tuple[int, int, int]] = []
    start = 0
    for end in _ends(group):
        if ranks[start] < 2:  # else nobody stays
            found += list(_lost(groups, rules, rows[start:end], ranks[start:end]))
        start = end
    lost = numpy.array(found, dtype=LOST)
    return lost[numpy.argsort(lost["row"], kind="stable")]


def _ends(group: Array) -> list[int]:
    """Where each run of equal values ends."""
    return [*(numpy.flatnonzero(group[1:] != group[:-1]) + 1).tolist(), len(group)] if len(group) else []


def _lost(groups: Groups, rules: Rules, rows: Array, ranks: Array) -> Iterator[tuple[int, int, int]]:
    """Of one group, best first."""
    stay: list[Any] = []
    for row, rank in zip(rows, ranks, strict=True):
        if rank > 0 and stay:
            how = _alike(groups, rules, row, numpy.array(stay, numpy.uint64))
            near = numpy.flatnonzero(how)
            if len(near):
                yield int(row), int(stay[near[0]]), int(how[near[0]])
                continue
        if rank < 2:
            stay.append(row)


def _alike(groups: Groups, rules: Rules, row: Any, others: Array) -> Array:
    """uint8: 0, SAME or NEAR to each of the others, by what the rules count. Evaluation sets count whatever is near."""
    arrays, rule = groups.features.arrays, rules.duplicates
    this = numpy.full(len(others), row, numpy.uint64)
    foreign = others >= groups.features.rows
    same = same_pixels(arrays, this, others) & (foreign | rule.exact)
    near = near_looks(arrays, this, others, bits=rule.near_bits, colours=rule.near_colours) & (foreign | rule.near)
    return numpy.where(same, SAME, numpy.where(near, NEAR, 0)).astype(numpy.uint8)
