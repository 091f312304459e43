"""What stands in a mixture more than once: records, pictures and answers, exactly or nearly, within a data set and across them.

Looked[n] of all data sets --features--> pairs --components--> groups -> copies, and who shares them with whom
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from internvl.pipelines.clean.caption_groups import near_words, same_words
from internvl.pipelines.clean.components import components
from internvl.pipelines.clean.features import COLUMNS, write_features
from internvl.pipelines.clean.pairs import Matcher, find_pairs
from internvl.pipelines.clean.picture_groups import picture_matchers
from internvl.pipelines.clean.tasks import run_here
from internvl.pipelines.report.survey import Looked, Surveyed

NEAR_BITS = 6
NEAR_COLOURS = 12.0
LEAST_WORDS = 6
"""Shorter answers, such as "yes", are alike by chance."""


@dataclass(frozen=True, kw_only=True)
class Copies:
    """One kind of being alike.

    of: rows that could be alike. copies: those that are like an earlier one; across: of these, the earlier one in another data set.
    by_dataset: copies in each. pairs: (data set, data set, groups they share), most first. largest: (size, data set, row) of groups.
    """

    kind: str
    of: int
    copies: int
    across: int
    by_dataset: tuple[int, ...]
    pairs: tuple[tuple[int, int, int], ...]
    largest: tuple[tuple[int, int, int], ...]


def find_copies(surveyed: Sequence[Surveyed]) -> list[Copies]:
    """The five kinds, over the rows that were looked at."""
    rows = [(number, each) for number, dataset in enumerate(surveyed) for each in dataset.good]
    where = numpy.array([number for number, _ in rows], dtype=numpy.int64)
    looked = [each for _, each in rows]
    pictured = numpy.array([each.facts.get("content_hash") is not None for each in looked], dtype=bool)
    spoken = numpy.array([(each.facts.get("words") or 0) >= LEAST_WORDS for each in looked], dtype=bool)
    kinds: list[tuple[str, list[Matcher] | None, numpy.ndarray[Any, Any]]] = [
        ("the whole record", None, numpy.ones(len(looked), dtype=bool)),
        ("the picture", picture_matchers(len(looked), bits=None, colours=0.0), pictured),
        ("the picture, nearly", picture_matchers(len(looked), bits=NEAR_BITS, colours=NEAR_COLOURS), pictured),
        ("the answer", same_words(), spoken),
        ("the answer, nearly", near_words(), spoken),
    ]
    groups = _groups(looked, [matchers for _, matchers, _ in kinds])
    return [_copies(kind, group, where, usable, len(surveyed)) for (kind, _, usable), group in zip(kinds, groups, strict=True)]


def _groups(looked: Sequence[Looked], kinds: Sequence[list[Matcher] | None]) -> list[list[tuple[int, ...]]]:
    """Rows that are alike, for each kind; None is the whole record."""
    if not looked:
        return [[] for _ in kinds]
    with tempfile.TemporaryDirectory() as folder:
        write_features(Path(folder) / "features", [_table(looked)])
        return [_by_record(looked) if matchers is None else _by_matchers(Path(folder), matchers) for matchers in kinds]


def _table(looked: Sequence[Looked]) -> Any:
    """The columns that features are made of."""
    import pyarrow

    strings = ("content_hash", "phash", "signature", "caption_key", "caption_minhash", "dropped")
    types = {name: pyarrow.string() if name in strings else pyarrow.int64() for name in COLUMNS}
    columns = {name: pyarrow.array([each.facts.get(name) for each in looked], type=types[name]) for name in COLUMNS}
    return pyarrow.table({**columns, "dropped": pyarrow.array([None] * len(looked), type=pyarrow.string())})


def _by_record(looked: Sequence[Looked]) -> list[tuple[int, ...]]:
    """Rows with the same words and the same picture."""
    same: defaultdict[tuple[str, Any], list[int]] = defaultdict(list)
    for row, each in enumerate(looked):
        same[each.said, each.facts.get("content_hash")].append(row)
    return [tuple(rows) for rows in same.values() if len(rows) > 1]


def _by_matchers(folder: Path, matchers: list[Matcher]) -> list[tuple[int, ...]]:
    pairs = find_pairs(folder / "features", matchers, folder / "work", run_tasks=run_here)
    members, group = components(pairs)
    found: defaultdict[int, list[int]] = defaultdict(list)
    for member, leader in zip(members.tolist(), group.tolist(), strict=True):
        found[leader].append(member)
    return [tuple(rows) for rows in found.values()]


def _copies(
    kind: str, groups: Sequence[tuple[int, ...]], where: numpy.ndarray[Any, Any], usable: numpy.ndarray[Any, Any], datasets: int
) -> Copies:
    """Counts of groups, from which rows that don't count are taken out first."""
    counted = [[row for row in rows if usable[row]] for rows in groups]
    counted = [rows for rows in counted if len(rows) > 1]
    by_dataset, across, shared = Counter[int](), 0, Counter[tuple[int, int]]()
    for rows in counted:
        first, names = int(where[rows[0]]), sorted({int(where[row]) for row in rows})
        by_dataset.update(int(where[row]) for row in rows[1:])
        across += sum(int(where[row]) != first for row in rows[1:])
        shared.update((one, other) for place, one in enumerate(names) for other in names[place + 1 :])
    largest = sorted(((len(rows), -rows[0]) for rows in counted), reverse=True)[:5]
    return Copies(
        kind=kind,
        of=int(usable.sum()),
        copies=by_dataset.total(),
        across=across,
        by_dataset=tuple(by_dataset[number] for number in range(datasets)),
        pairs=tuple((one, other, count) for (one, other), count in shared.most_common(10)),
        largest=tuple((size, int(where[-row]), -row) for size, row in largest),
    )
