"""Rules applied to a scored run: for every sample whether it stays and every reason why not. Nothing is scored again.

    units + groups --column rules--> passes --who stays of duplicates--> Decided, unit by unit, in order

Two passes over the columns that the rules name, because who stays among duplicates depends on what else is dropped. In memory are one
unit and, of the run, only the rows that have duplicates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy

from internvl.pipelines.clean.against import HashList, names_of
from internvl.pipelines.clean.grouping import Groups
from internvl.pipelines.clean.pairs import Array
from internvl.pipelines.clean.row_rules import Failed, check_rows
from internvl.pipelines.clean.rules import Rules
from internvl.pipelines.clean.survivors import SAME, lost_rows
from internvl.pipelines.units import read_units

if TYPE_CHECKING:
    import pyarrow

EXACT_KIND, NEAR_KIND, EVALUATION_KIND = "duplicate", "near duplicate", "evaluation set"
"""How reasons of the duplicates step begin; those of rules begin with their column, those of scoring with what was wrong."""
_SCORED = ("dataset", "file", "row", "sub", "text", "dropped", "similarity", "pixels")


@dataclass(frozen=True)
class Decided:
    """A unit of the run and what became of its samples. reasons: none for those kept. stays: the row number kept instead, or -1."""

    number: int
    first_row: int
    table: pyarrow.Table
    kept: Array
    reasons: Sequence[tuple[str, ...]]
    stays: Array


@dataclass(frozen=True)
class _Lost:
    """Rows that go for another one's sake, with names for the others."""

    rows: Array
    stays: Array
    how: Array
    names: Mapping[int, str]
    run_rows: int

    def between(self, start: int, stop: int) -> dict[int, tuple[int, str]]:
        """Offset in start..stop -> the row that stays, and the reason."""
        first, last = numpy.searchsorted(self.rows, [start, stop])
        return {int(self.rows[at]) - start: (int(self.stays[at]), self._reason(at)) for at in range(first, last)}

    def _reason(self, at: int) -> str:
        stays = int(self.stays[at])
        same, name = self.how[at] == SAME, self.names[stays]
        if stays >= self.run_rows:
            return f"{EVALUATION_KIND}: {'same pixels as' if same else 'looks like'} {name}"
        return f"{EXACT_KIND}: same pixels as {name}" if same else f"{NEAR_KIND}: looks like {name}"


def decide(
    out: Path, groups: Groups, rules: Rules, *, against: Sequence[HashList] = (), columns: Sequence[str] = ()
) -> Iterator[Decided]:
    """The units of a run with their decisions. columns: further ones that the tables shall have.

    Raises PipelineError for a rule on a column that the run lacks.
    """
    lost = _lost(out, groups, rules, against)
    wanted = tuple(dict.fromkeys((*_SCORED, *(rule.column for rule in rules.columns), *columns)))
    for number, start, table in _tables(out, groups, wanted):
        failed = check_rows(table, rules)
        gone = lost.between(start, start + table.num_rows)
        reasons = [tuple(_reasons(row, dropped, failed, gone)) for row, dropped in enumerate(table["dropped"].to_pylist())]
        stays = numpy.array([gone.get(row, (-1, ""))[0] for row in range(table.num_rows)], dtype=numpy.int64)
        yield Decided(number, start, table, numpy.array([not each for each in reasons], dtype=bool), reasons, stays)


def kind_of(reason: str) -> str:
    """What stands before the first colon: reports count it."""
    return reason.partition(":")[0].strip()


def _reasons(row: int, dropped: str | None, failed: Sequence[Failed], gone: Mapping[int, tuple[int, str]]) -> Iterator[str]:
    if dropped is not None:
        yield dropped
    yield from (each.reason(row) for each in failed if each.fails[row])
    if row in gone:
        yield gone[row][1]


def _tables(out: Path, groups: Groups, columns: Sequence[str]) -> Iterator[tuple[int, int, pyarrow.Table]]:
    """Unit number, its first row in the run, its table with the columns that come from the groups."""
    import pyarrow

    start = 0
    for number, table in enumerate(read_units(out, columns)):
        copies, near = groups.copies_of(start, start + table.num_rows)
        grown = table.append_column("caption_copies", pyarrow.array(copies))
        yield number, start, grown.append_column("caption_near_copies", pyarrow.array(near))
        start += table.num_rows


def _lost(out: Path, groups: Groups, rules: Rules, against: Sequence[HashList]) -> _Lost:
    """First pass: which members of groups pass the other rules, and so which of them stay."""
    members = groups.pictures["row"]
    passes, worth = numpy.zeros(len(members), bool), numpy.zeros(len(members))
    wanted = tuple(dict.fromkeys(("dropped", *(rule.column for rule in rules.columns), "similarity", "pixels")))
    for _, start, table in _tables(out, groups, wanted):
        first, last = numpy.searchsorted(members, [start, start + table.num_rows])
        if first == last:
            continue
        inside = (members[first:last] - numpy.uint64(start)).astype(numpy.int64)
        good = numpy.asarray(table["dropped"].is_null().to_numpy(), dtype=bool)
        for failed in check_rows(table, rules):
            good &= ~failed.fails
        passes[first:last] = good[inside]
        worth[first:last] = _worth(table, rules)[inside]
    lost = lost_rows(groups, rules, passes=passes, worth=worth)
    names = _names(out, set(lost["stays"].tolist()), groups.features.rows, against)
    return _Lost(lost["row"], lost["stays"], lost["how"], names, groups.features.rows)


def _worth(table: pyarrow.Table, rules: Rules) -> Array:
    """What makes one duplicate better than another; among equals the first of the input stays."""
    keep = rules.duplicates.keep
    if keep == "first" or keep not in table.column_names:
        return numpy.zeros(table.num_rows)
    return numpy.array([-2.0 if value is None else float(value) for value in table[keep].to_pylist()])


def _names(out: Path, rows: set[int], run_rows: int, against: Sequence[HashList]) -> dict[int, str]:
    """What to call the rows that stay: FILE:ROW, or their name in a list."""
    names: dict[int, str] = {}
    wanted, start = numpy.array(sorted(row for row in rows if row < run_rows), dtype=numpy.int64), 0
    for table in read_units(out, ["file", "row"]) if len(wanted) else ():
        first, last = numpy.searchsorted(wanted, [start, start + table.num_rows])
        for row in wanted[first:last].tolist():
            names[row] = f"{table['file'][row - start]}:{table['row'][row - start]}"
        start += table.num_rows
    listed = names_of(against, [row - run_rows for row in rows if row >= run_rows])
    return names | {row + run_rows: name for row, name in listed.items()}
