"""Pairs of rows that are near each other, without comparing each with each: rows meet only under a key that both have.

    features --scatter, by key--> parts on disk --match: sort, compare within a key, verify--> pairs uint64[m, 2] that span the groups

A part holds all rows of its keys, so the result is the same for any number of parts and workers; memory is bounded by one part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy

from internvl.pipelines.clean.components import spanning
from internvl.pipelines.clean.features import open_features

Array: TypeAlias = numpy.ndarray[Any, numpy.dtype[Any]]
Arrays: TypeAlias = Mapping[str, Array]
Task: TypeAlias = Callable[..., Any]
RunTasks: TypeAlias = Callable[[Task, Sequence[tuple[Any, ...]]], list[Any]]
"""Calls a function with each tuple of arguments, here or on a cluster, and returns the results in order."""

ROWS_PER_PART = 8_000_000
_CHUNK = 4_000_000
_MOST_PAIRS = 4_000_000
_ENTRY = numpy.dtype([("key", "<u8"), ("row", "<u8")])
_MIX = numpy.uint64(0x9E3779B97F4A7C15)


class Matcher(Protocol):
    """How rows meet and what makes two of them near. Picklable. All arrays have one value a row."""

    def usable(self, arrays: Arrays, rows: slice) -> Array:
        """bool: whether a row takes part."""
        ...

    def keys(self, arrays: Arrays, rows: slice) -> Array:
        """uint64: rows are compared when these are equal."""
        ...

    def quick(self, arrays: Arrays, rows: Array) -> Array:
        """What the first comparison needs; held in memory for all rows of a part."""
        ...

    def identity(self, arrays: Arrays, rows: Array) -> Array:
        """uint64: rows with equal values are near the same rows, and each other."""
        ...

    def may(self, first: Array, second: Array) -> Array:
        """bool: whether two may be near, by their quick values."""
        ...

    def sure(self, arrays: Arrays, first: Array, second: Array) -> Array:
        """bool: whether rows that may be near are."""
        ...


def find_pairs(
    features: Path, matchers: Sequence[Matcher], work: Path, *, run_tasks: RunTasks, rows_per_part: int = ROWS_PER_PART
) -> Array:
    """uint64[m, 2]: pairs that connect everything near by any matcher. work: a folder for parts, emptied again."""
    total = open_features(features).total
    parts = max(1, -(-total // rows_per_part))
    starts = range(0, total, _CHUNK)
    found = [numpy.empty((0, 2), numpy.uint64)]
    work.mkdir(parents=True, exist_ok=True)
    for matcher in matchers:
        run_tasks(scatter, [(features, matcher, start, min(start + _CHUNK, total), parts, work) for start in starts])
        found += run_tasks(match, [(features, matcher, part, work) for part in range(parts)])
        for path in work.glob("*.npy"):
            path.unlink()
        found = [spanning(numpy.concatenate(found))]
    return found[0]


def scatter(features: Path, matcher: Matcher, start: int, stop: int, parts: int, work: Path) -> None:
    """Write the keys of rows start..stop, a file a part."""
    arrays, rows = open_features(features).arrays, slice(start, stop)
    chosen = numpy.flatnonzero(matcher.usable(arrays, rows))
    entries = numpy.empty(len(chosen), _ENTRY)
    entries["key"], entries["row"] = matcher.keys(arrays, rows)[chosen], chosen + start
    with numpy.errstate(over="ignore"):
        place = ((entries["key"] * _MIX) >> numpy.uint64(32)) % numpy.uint64(parts)
    for part in range(parts):
        numpy.save(work / f"{part:06d}-{start:015d}.npy", entries[place == part])


def match(features: Path, matcher: Matcher, part: int, work: Path) -> Array:
    """The pairs of one part, uint64[m, 2]."""
    arrays = open_features(features).arrays
    entries = numpy.concatenate([numpy.load(path) for path in sorted(work.glob(f"{part:06d}-*.npy"))])
    entries = _with_company(entries[numpy.argsort(entries["key"], kind="stable")])
    entries, pairs = _without_twins(entries, matcher, arrays)
    return spanning(numpy.concatenate([pairs, *_compared(_with_company(entries), matcher, arrays)]))


def _with_company(entries: Array) -> Array:
    """Without rows whose key nobody else has."""
    if len(entries) < 2:
        return entries[:0]
    same = entries["key"][1:] == entries["key"][:-1]
    company: Array = entries[numpy.append(same, False) | numpy.insert(same, 0, False)]
    return company


def _without_twins(entries: Array, matcher: Matcher, arrays: Arrays) -> tuple[Array, Array]:
    """One row of those that are alike in everything compared, and the pairs that tie the others to it.

    A logo that stands in a million samples is compared once.
    """
    identity = matcher.identity(arrays, entries["row"])
    order = numpy.lexsort((entries["row"], identity, entries["key"]))
    entries, identity = entries[order], identity[order]
    again = numpy.zeros(len(entries), bool)
    again[1:] = (entries["key"][1:] == entries["key"][:-1]) & (identity[1:] == identity[:-1])
    leader = numpy.maximum.accumulate(numpy.where(again, 0, numpy.arange(len(entries))))
    pairs = numpy.stack([entries["row"][leader[again]], entries["row"][again]], axis=1)
    return entries[~again], pairs


def _compared(entries: Array, matcher: Matcher, arrays: Arrays) -> list[Array]:
    """Each row with those behind it under the same key: first all neighbours, then all at distance two, and so on."""
    keys, rows = entries["key"], entries["row"]
    quick = matcher.quick(arrays, rows)
    found: list[Array] = []
    apart = 1
    left = numpy.arange(len(entries) - 1)
    while len(left):
        left = left[keys[left] == keys[left + apart]]
        near = left[matcher.may(quick[left], quick[left + apart])]
        first, second = rows[near], rows[near + apart]
        sure = matcher.sure(arrays, first, second)
        found.append(numpy.stack([first[sure], second[sure]], axis=1))
        if sum(map(len, found)) > _MOST_PAIRS:
            found = [spanning(numpy.concatenate(found))]
        apart += 1
        left = left[left + apart < len(entries)]
    return found
