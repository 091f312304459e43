"""What was planted, and what a cleaned run said of every row: brought together by where a row stands.

truth.jsonl -> Truth by key;  run/units + run/stage1/decisions -> Verdict by key: kinds of reasons, scores
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.data_engine.written import TRUTH

SCORES = ("similarity", "watermark", "aesthetic", "unsafe", "pixels", "aspect", "characters", "repetition", "language_confidence")


@dataclass(frozen=True)
class Planted:
    """One row as it was made. fault: None for a row that is right; detail: what exactly was done."""

    key: str
    dataset: str
    picture: str
    source: str
    caption: str
    caption_language: str
    language: str
    fault: str | None
    partner: str | None
    detail: dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What a set of rules said of a row. kinds: of its reasons, none for a kept row; reasons: as they stand in the ledger."""

    kinds: frozenset[str]
    reasons: tuple[str, ...]
    scores: dict[str, float]


class Truth:
    """All planted rows, by key and by place."""

    def __init__(self, trial: Path) -> None:
        self.rows: dict[str, Planted] = {}
        self._places: dict[tuple[str, int], str] = {}
        names = Planted.__dataclass_fields__
        for line in (trial / TRUTH).read_text("utf-8").splitlines():
            told = json.loads(line)
            self.rows[told["key"]] = Planted(**{name: told[name] for name in names})
            in_folder = Path(told["file"]).suffix not in (".tar", ".parquet")
            self._places[told["file"], 1 if in_folder else told["row"]] = told["key"]

    def key_at(self, file: str, row: int) -> str:
        """The key of the row that a run found there. Raises KeyError for a row that was never made."""
        return self._places[Path(file).name, row]

    def with_fault(self, fault: str | None) -> list[str]:
        """Keys of the rows with a fault, or of those without any."""
        return [key for key, row in self.rows.items() if row.fault == fault]

    def partners(self) -> frozenset[str]:
        """Keys of the rows that were copied."""
        return frozenset(row.partner for row in self.rows.values() if row.partner is not None)


def verdicts(truth: Truth, run: Path, rules: str) -> dict[str, Verdict]:
    """What the rules of that name said of every row. Raises ValueError when a row is missing or there twice: lost or doubled."""
    import pyarrow.parquet as parquet

    found: dict[str, Verdict] = {}
    count = 0
    for number, table in enumerate(_units(run)):
        with parquet.ParquetFile(run / rules / "decisions" / f"{number:06}.parquet") as file:
            decided = file.read(columns=["file", "row", "reasons"]).to_pydict()
        scores = table.select([name for name in SCORES if name in table.column_names]).to_pylist()
        for place, reasons in enumerate(decided["reasons"]):
            key = truth.key_at(decided["file"][place], decided["row"][place])
            known = {name: value for name, value in scores[place].items() if value is not None}
            found[key] = Verdict(frozenset(kind for reason in reasons for kind in _kinds(reason)), tuple(reasons), known)
            count += 1
    if count != len(found) or set(found) != set(truth.rows):
        raise ValueError(f"the run has {count} rows, {len(found)} of them different; {len(truth.rows)} were made")
    return found


def added(truth: Truth, said: dict[str, Verdict], run: Path, rules: str) -> dict[str, Verdict]:
    """The verdicts with what a preset says of the scores of one more run, which may be of a part of the rows alone.

    What was said before of the same columns no longer counts.
    """
    from internvl.pipelines.clean.row_rules import check_rows
    from internvl.pipelines.clean.rules import load_preset

    more = dict(said)
    preset = load_preset(rules)
    for table in _finished_units(run):
        known = replace(preset, columns=tuple(rule for rule in preset.columns if rule.column in table.column_names))
        failed = check_rows(table, known)
        scores = table.select([name for name in SCORES if name in table.column_names]).to_pylist()
        for place, (file, row) in enumerate(zip(table["file"].to_pylist(), table["row"].to_pylist(), strict=True)):
            key = truth.key_at(file, row)
            reasons = [each.reason(place) for each in failed if each.fails[place]]
            kinds = frozenset(kind for reason in reasons for kind in _kinds(reason))
            values = {name: value for name, value in scores[place].items() if value is not None}
            before = more[key]
            kept = tuple(reason for reason in before.reasons if reason.partition(":")[0] not in table.column_names)
            kinds |= frozenset(kind for reason in kept for kind in _kinds(reason))
            more[key] = Verdict(kinds, (*kept, *reasons), {**before.scores, **values})
    return more


def same_group(truth: Truth, run: Path) -> dict[str, int]:
    """Key -> group of pictures that look alike, before any rule, for rows that are not alone in one."""
    pictures = np.load(run / "groups" / "pictures.npy")
    by_row = dict(zip(pictures["row"].tolist(), pictures["group"].tolist(), strict=True))
    return {key: by_row[row] for row, key in enumerate(_keys(truth, run)) if row in by_row}


def _kinds(reason: str) -> Iterator[str]:
    """`words: 2 is below 3` is of the kinds `words` and `words below`."""
    kind = reason.partition(":")[0].strip()
    yield kind
    yield from (f"{kind} {side}" for side in ("below", "above") if f" is {side} " in reason)


def _keys(truth: Truth, run: Path) -> Iterator[str]:
    for table in _units(run):
        for file, row in zip(table["file"].to_pylist(), table["row"].to_pylist(), strict=True):
            yield truth.key_at(file, row)


def _finished_units(run: Path) -> Iterator[Any]:
    """Those that are there: scores of a part of the rows are judged on these rows."""
    import pyarrow.parquet as parquet

    for path in sorted((run / "units").glob("*.parquet")):
        with parquet.ParquetFile(path) as file:
            yield file.read()


def _units(run: Path) -> Iterator[Any]:
    from internvl.pipelines.units import read_units

    return read_units(run)
