"""What a set of rules did to a run, counted while the decisions stream by: per data set, per reason, per score, with a few examples.

Decided, Decided, ... --add--> Tally: rows, kept; any, alone, first of each kind of reason; histograms; examples
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from internvl.pipelines.clean.decide import Decided, kind_of
from internvl.pipelines.clean.examples import Examples
from internvl.pipelines.clean.histogram import Histogram
from internvl.pipelines.clean.known_columns import COLUMNS
from internvl.pipelines.clean.rules import Rules

if TYPE_CHECKING:
    import pyarrow

_SURE = 0.3
"""Of a language: from here on 99 in 100 guesses on short captions are right."""


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
    """The counts of one set of rules. examples: a few samples for the page. unit_rows: rows of each unit."""

    rules: Rules
    examples: Examples
    datasets: dict[str, DatasetTally] = field(default_factory=dict)
    reasons: dict[str, ReasonTally] = field(default_factory=dict)
    histograms: dict[str, Histogram] = field(default_factory=dict)
    unit_rows: list[int] = field(default_factory=list)

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
        self.examples.add(decided)

    def _count(self, reasons: Sequence[str]) -> None:
        kinds = list(dict.fromkeys(kind_of(reason) for reason in reasons))
        for place, kind in enumerate(kinds):
            counted = self.reasons.setdefault(kind, ReasonTally())
            counted.any += 1
            counted.alone += len(kinds) == 1
            counted.first += place == 0


def _languages(table: pyarrow.Table, rows: int) -> list[str]:
    """What captions are in, where that is at all sure: of short ones the guess says little."""
    if "detected_language" not in table.column_names:
        return ["und"] * rows
    guesses = zip(table["detected_language"].to_pylist(), table["language_confidence"].to_pylist(), strict=True)
    return [language if language and confidence >= _SURE else "und" for language, confidence in guesses]
