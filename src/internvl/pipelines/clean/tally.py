"""What a set of rules did to a run, counted while the decisions stream by: per data set, per reason, per score, with a few examples.

Decided, Decided, ... --add--> Tally: rows, kept; any, alone, first of each kind of reason; histograms; examples
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from internvl.data.record import Origin
from internvl.pipelines.clean.decide import Decided, kind_of
from internvl.pipelines.clean.histogram import Histogram
from internvl.pipelines.clean.known_columns import COLUMNS
from internvl.pipelines.clean.rules import Rules

if TYPE_CHECKING:
    import pyarrow

KEPT = ""
"""The key of examples that are kept."""
_CAPTION_SHOWN = 300
_SURE = 0.3
"""Of a language: from here on 99 in 100 guesses on short captions are right."""


@dataclass(frozen=True)
class Example:
    """One sample to be shown. row: its number in the run. stays: that of the one kept instead of a duplicate, or -1."""

    row: int
    origin: Origin
    caption: str
    reasons: tuple[str, ...]
    scores: dict[str, Any]
    stays: int = -1


@dataclass
class DatasetTally:
    """Of one data set. languages: detected ones, of all samples."""

    rows: int = 0
    kept: int = 0
    languages: Counter[str] = field(default_factory=Counter)


@dataclass
class ReasonTally:
    """Of one kind of reason. any: samples it takes out; alone: those that nothing else takes out; first: those it is the first for."""

    any: int = 0
    alone: int = 0
    first: int = 0


@dataclass
class Tally:
    """The counts of one set of rules. examples: how many of each kind are kept for the page. unit_rows: rows of each unit."""

    rules: Rules
    examples: int = 6
    datasets: dict[str, DatasetTally] = field(default_factory=dict)
    reasons: dict[str, ReasonTally] = field(default_factory=dict)
    histograms: dict[str, Histogram] = field(default_factory=dict)
    unit_rows: list[int] = field(default_factory=list)
    _chosen: dict[str, list[tuple[int, int, Example]]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Samples of the run."""
        return sum(each.rows for each in self.datasets.values())

    @property
    def kept(self) -> int:
        """Samples that stay."""
        return sum(each.kept for each in self.datasets.values())

    def add(self, decided: Decided) -> None:
        """Count a unit."""
        table, kept = decided.table, decided.kept
        self.unit_rows.append(table.num_rows)
        languages = _languages(table, len(kept))
        for dataset, language, stays in zip(table["dataset"].to_pylist(), languages, kept.tolist(), strict=True):
            counted = self.datasets.setdefault(dataset, DatasetTally())
            counted.rows += 1
            counted.kept += stays
            counted.languages[language] += 1
        for reasons in decided.reasons:
            self._count(reasons)
        for name, column in COLUMNS.items():
            if column.scale != "none" and name in table.column_names:
                self.histograms.setdefault(name, Histogram(column.scale)).add(table[name].to_pylist(), kept)
        self._choose(decided)

    def chosen(self) -> dict[str, list[Example]]:
        """Examples by kind of reason, those kept under KEPT; the same whatever the order of the units."""
        return {
            kind: [example for _, _, example in sorted(found, key=_hash_first, reverse=True)] for kind, found in self._chosen.items()
        }

    def _count(self, reasons: Sequence[str]) -> None:
        kinds = list(dict.fromkeys(kind_of(reason) for reason in reasons))
        for place, kind in enumerate(kinds):
            counted = self.reasons.setdefault(kind, ReasonTally())
            counted.any += 1
            counted.alone += len(kinds) == 1
            counted.first += place == 0

    def _choose(self, decided: Decided) -> None:
        """Keep the samples with the smallest hashes of their places: as good as drawn at random, but the same in every run."""
        table = decided.table
        places = list(zip(table["file"].to_pylist(), table["row"].to_pylist(), table["sub"].to_pylist(), strict=True))
        for row, reasons in enumerate(decided.reasons):
            rank = -int.from_bytes(
                hashlib.blake2b(repr(places[row]).encode("utf-8", "backslashreplace"), digest_size=8).digest(), "big"
            )
            # Reasons that stand alone show best what a rule does.
            kinds = [KEPT] if not reasons else list(dict.fromkeys(kind_of(reason) for reason in reasons))
            for kind in kinds:
                self._offer(kind, rank if len(kinds) == 1 else rank - (1 << 64), decided, row)

    def _offer(self, kind: str, rank: int, decided: Decided, row: int) -> None:
        found = self._chosen.setdefault(kind, [])
        most = self.examples * (2 if kind == KEPT else 1)
        if len(found) == most and rank <= found[0][0]:
            return
        entry = (rank, decided.first_row + row, _example(decided, row))
        if len(found) < most:
            heapq.heappush(found, entry)
        else:
            heapq.heapreplace(found, entry)


def _languages(table: pyarrow.Table, rows: int) -> list[str]:
    """What captions are in, where that is at all sure: of short ones the guess says little."""
    if "detected_language" not in table.column_names:
        return ["und"] * rows
    guesses = zip(table["detected_language"].to_pylist(), table["language_confidence"].to_pylist(), strict=True)
    return [language if language and confidence >= _SURE else "und" for language, confidence in guesses]


def _hash_first(entry: tuple[int, int, Example]) -> int:
    return entry[0]


def _example(decided: Decided, row: int) -> Example:
    values = {name: decided.table[name][row].as_py() for name in decided.table.column_names}
    scores = {name: values[name] for name in COLUMNS if values.get(name) is not None}
    caption = values.get("text") or ""
    origin = Origin(values["dataset"], values["file"], values["row"])
    shown = caption if len(caption) <= _CAPTION_SHOWN else caption[:_CAPTION_SHOWN] + "…"
    return Example(decided.first_row + row, origin, shown, decided.reasons[row], scores, int(decided.stays[row]))
