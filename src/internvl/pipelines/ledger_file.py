"""The ledger of a run: one JSON line for each sample that was left out, in the order of the input.

units/*.parquet, column `dropped` --> ledger.jsonl {"dataset", "file", "row", "reason"} as training writes it, and the counts
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from internvl.data.record import Origin
from internvl.pipelines.item import Drop
from internvl.pipelines.units import read_units
from internvl.pipelines.whole_file import whole_file

LEDGER_FILE = "ledger.jsonl"


@dataclass
class Counts:
    """Rows of a run's result, how many are dropped, and how many by each kind of reason, the most frequent first."""

    rows: int = 0
    dropped: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)


def write_drops(folder: Path) -> Counts:
    """Write the ledger of a finished run from its units. Raises PipelineError when a unit is missing."""
    counts, kinds = Counts(), Counter[str]()
    with whole_file(folder / LEDGER_FILE) as file:
        for table in read_units(folder, columns=("dataset", "file", "row", "sub", "dropped")):
            counts.rows += table.num_rows
            for row in table.filter(table.column("dropped").is_valid()).to_pylist():
                counts.dropped += 1
                kinds[Drop(row["dropped"]).kind] += 1
                _line(file, Origin(row["dataset"], row["file"], row["row"]), row["dropped"], row["sub"])
    counts.by_kind = dict(kinds.most_common())
    return counts


def write_ledger(path: Path, entries: Iterable[tuple[Origin, str]]) -> dict[str, int]:
    """Write a ledger of your own, whole or not at all: where each sample stands and why it is left out. The kinds are returned."""
    kinds = Counter[str]()
    with whole_file(path) as file:
        for origin, reason in entries:
            kinds[Drop(reason).kind] += 1
            _line(file, origin, reason, 0)
    return dict(kinds.most_common())


def _line(file: BinaryIO, origin: Origin, reason: str, sub: int) -> None:
    entry = {"dataset": origin.dataset, "file": origin.file, "row": origin.row, **({"sub": sub} if sub else {}), "reason": reason}
    file.write(json.dumps(entry, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
