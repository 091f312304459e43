"""A few samples to be shown: of those kept, of each kind of reason, and of those kept nearest to each limit. The same in every run.

    Decided, Decided, ... --offer, by rank--> the best `most` of each kind --chosen--> {kind: [Example, ...]}

The rank is a hash of the sample's place, as good as drawing lots, or its distance from a limit.
"""

from __future__ import annotations

import hashlib
import heapq
from dataclasses import dataclass, field
from typing import Any

import numpy

from internvl.data.record import Origin
from internvl.pipelines.clean.decide import Decided, kind_of
from internvl.pipelines.clean.known_columns import COLUMNS
from internvl.pipelines.clean.pairs import Array
from internvl.pipelines.clean.rules import ColumnRule, Rules

KEPT, NEAREST = "", "kept:"
"""Keys of examples that are kept: any, and, with the column behind it, the nearest to its limits. Kinds of reasons have no colon."""
_CAPTION_SHOWN = 300


@dataclass(frozen=True)
class Example:
    """One sample. row: its number in the run. stays: that of the one kept instead of a duplicate, or -1."""

    row: int
    origin: Origin
    caption: str
    reasons: tuple[str, ...]
    scores: dict[str, Any]
    stays: int = -1


@dataclass
class Examples:
    """The best so far. most: of each kind of reason; twice as many of those kept, half as many near a limit."""

    rules: Rules
    most: int = 6
    _found: dict[str, list[tuple[float, int, Example]]] = field(default_factory=dict)

    def add(self, decided: Decided) -> None:
        """Offer the samples of a unit."""
        table = decided.table
        places = zip(table["file"].to_pylist(), table["row"].to_pylist(), table["sub"].to_pylist(), strict=True)
        for row, (place, reasons) in enumerate(zip(places, decided.reasons, strict=True)):
            kinds = list(dict.fromkeys(kind_of(reason) for reason in reasons)) or [KEPT]
            # Reasons that stand alone show best what a rule does.
            rank = _lot(place) - (len(kinds) > 1)
            for kind in kinds:
                self._offer(kind, rank, decided, row, self.most * (2 if kind == KEPT else 1))
        for rule in self.rules.columns:
            self._offer_nearest(rule, decided)

    def chosen(self) -> dict[str, list[Example]]:
        """By kind of reason, KEPT, or NEAREST and a column; the best first."""
        return {kind: [example for _, _, example in sorted(found, key=_rank, reverse=True)] for kind, found in self._found.items()}

    def _offer_nearest(self, rule: ColumnRule, decided: Decided) -> None:
        limits = [limit for limit in (rule.min, rule.max) if limit is not None]
        if not limits or not decided.kept.any():
            return
        values = numpy.array([numpy.nan if value is None else value for value in decided.table[rule.column].to_pylist()], dtype=float)
        distance = numpy.min([abs(values - limit) for limit in limits], axis=0)
        distance[~decided.kept | numpy.isnan(distance)] = numpy.inf
        most = max(1, self.most // 2)
        for row in _smallest(distance, most):
            self._offer(NEAREST + rule.column, -float(distance[row]), decided, row, most)

    def _offer(self, kind: str, rank: float, decided: Decided, row: int, most: int) -> None:
        found = self._found.setdefault(kind, [])
        # Of equal ranks the earlier row counts, so that the order in which units come does not.
        number = decided.first_row + row
        if len(found) == most and (rank, -number) <= found[0][:2]:
            return
        entry = (rank, -number, _example(decided, row))
        if len(found) < most:
            heapq.heappush(found, entry)
        else:
            heapq.heapreplace(found, entry)


def _smallest(distance: Array, most: int) -> list[int]:
    order = numpy.argsort(distance, kind="stable")[:most]
    return [int(row) for row in order if numpy.isfinite(distance[row])]


def _lot(place: tuple[str, int, int]) -> float:
    """0..1, by a hash."""
    digest = hashlib.blake2b(repr(place).encode("utf-8", "backslashreplace"), digest_size=6).digest()
    return int.from_bytes(digest, "big") / (1 << 48)


def _rank(entry: tuple[float, int, Example]) -> tuple[float, int]:
    return entry[:2]


def _example(decided: Decided, row: int) -> Example:
    values = {name: decided.table[name][row].as_py() for name in decided.table.column_names}
    scores = {name: values[name] for name in COLUMNS if values.get(name) is not None}
    caption = values.get("text") or ""
    origin = Origin(values["dataset"], values["file"], values["row"])
    shown = caption if len(caption) <= _CAPTION_SHOWN else caption[:_CAPTION_SHOWN] + "…"
    return Example(decided.first_row + row, origin, shown, decided.reasons[row], scores, int(decided.stays[row]))
