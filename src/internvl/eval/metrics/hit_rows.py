"""Rows of a multiple-choice table, checked once: right or wrong, and the groups they are reported under.

{"hit", "category", "l2-category", "split"} -> HitRow
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from internvl.eval.errors import EvalError
from internvl.eval.metrics.form import is_number, shown

NO_SPLIT = "none"


@dataclass(frozen=True)
class HitRow:
    """One question. hit: 0 to 1. category: the subtask. group: what subtasks belong to (l2-category). None where not given."""

    hit: float
    split: str
    category: str | None
    group: str | None


def hit_rows(rows: Sequence[Mapping[str, Any]], hits: Sequence[float] | None) -> list[HitRow]:
    """Rows as a table needs them. hits: taken instead of each row's own "hit". `l2` may stand for `l2-category`.

    Raises EvalError when there are none, when the two differ in length, and for a value of another form.
    """
    if not rows or (hits is not None and len(hits) != len(rows)):
        raise EvalError(f"a hit for each row is expected, at least one, not {len(rows)} rows and {len(hits or ())} hits")
    given = hits if hits is not None else [row.get("hit") for row in rows]
    return [_checked(row, hit, number) for number, (row, hit) in enumerate(zip(rows, given, strict=True), start=1)]


def mean_hit(rows: Iterable[HitRow]) -> float | None:
    """The share of right rows; None without rows."""
    hits = [row.hit for row in rows]
    return sum(hits) / len(hits) if hits else None


def _checked(row: Mapping[str, Any], hit: object, number: int) -> HitRow:
    if not (isinstance(hit, bool) or is_number(hit)):
        raise EvalError(f"item {number}: hit must be 0 or 1, not {shown(hit)}")
    texts = {"category": row.get("category"), "l2-category": row.get("l2-category", row.get("l2")), "split": row.get("split")}
    for name, value in texts.items():
        if not isinstance(value, str | None):
            raise EvalError(f"item {number}: {name} must be a text, not {shown(value)}")
    return HitRow(float(hit), texts["split"] or NO_SPLIT, texts["category"], texts["l2-category"])  # type: ignore[arg-type]
