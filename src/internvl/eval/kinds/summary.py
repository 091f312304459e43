"""Sums over scored rows, and what is left to do where a split's answers are not published.

    Scored x rows --> {metric: mean or None, groups: {name: mean}}

A row without a reference is never counted: the mean of a blind split is None, and its answers go into a submission.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from internvl.eval.sample import Scored


def mean(values: Iterable[float]) -> float | None:
    """The arithmetic mean; None of nothing."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


def labelled(rows: Sequence[Scored]) -> list[Scored]:
    """The rows whose right answer is known."""
    return [row for row in rows if row.reference is not None]


def points(rows: Iterable[Scored], name: str = "score") -> list[float]:
    """A number of each row's score; 0 where a row could not be asked and has only its error."""
    return [float(row.score.get(name, 0.0)) for row in rows]


def by(rows: Iterable[Scored], name: str) -> dict[str, list[Scored]]:
    """The rows by a text in their `extra`, in order of first appearance; rows without it are in no group."""
    groups: dict[str, list[Scored]] = {}
    for row in rows:
        if value := row.extra.get(name):
            groups.setdefault(str(value), []).append(row)
    return groups


def means_by(rows: Iterable[Scored], name: str) -> dict[str, float | None]:
    """The mean score of each group."""
    return {group: mean(points(members)) for group, members in by(rows, name).items()}


def with_blind(scores: Mapping[str, Any], rows: Sequence[Scored]) -> dict[str, Any]:
    """The scores, and how many rows wait for somebody else to score them."""
    blind = sum(row.reference is None for row in rows)
    return {**scores, "unlabelled": blind} if blind else dict(scores)


def last(answers: Sequence[str]) -> str:
    """What was answered; "" where nothing was."""
    return answers[-1] if answers else ""
