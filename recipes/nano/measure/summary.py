"""From answers to rows of results: one a group and language, with the number of questions and a 95 % interval.

[Answered, ...] -> [Row, ...] -> results.json, table, plots
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from recipes.nano.measure.intervals import bootstrap, wilson
from recipes.nano.measure.question import Question
from recipes.nano.measure.run import Answered

# What the average of "score" is called, by measure.
NAMES = {
    "reading": "CER",
    "exact": "accuracy",
    "contains": "accuracy",
    "anls": "ANLS",
    "relaxed": "relaxed accuracy",
    "formula": "exact LaTeX",
    "words": "F1 of words",
    "boxes": "IoU@0.5",
    "refusal": "refused",
    "json": "F1 of fields",
    "table": "F1 of cells",
}
BOTH = "both"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A score of one answerer. value, low, high: 0 to 1 (a rate of errors may be above); more: means of the other numbers."""

    group: str
    language: str
    by: str
    metric: str
    count: int
    value: float
    low: float
    high: float
    tiles: int | None = None
    more: dict[str, float] = field(default_factory=dict)

    @property
    def is_error(self) -> bool:
        """Whether less is better."""
        return self.metric in (NAMES["reading"], FALSE_REFUSALS)

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON."""
        return asdict(self)


FALSE_REFUSALS = "false refusals"


def summary(answered: Sequence[Answered]) -> list[Row]:
    """Rows by group and measure: each language, and both together where there are two; in the order of the groups' names."""
    sets: dict[tuple[str, str, str, int | None], list[Answered]] = defaultdict(list)
    for one in answered:
        sets[one.question.group, one.question.measure, one.by, one.tiles].append(one)
    rows: list[Row] = []
    for (group, measure, by, tiles), members in sorted(sets.items(), key=lambda item: (*item[0][:3], item[0][3] or 0)):
        rows += _by_language(members, lambda part, language, g=group, m=measure, b=by, t=tiles: _row(part, g, language, m, b, t))  # type: ignore[misc]
    return rows


def by_family(answered: Sequence[Answered]) -> list[Row]:
    """The share of right answers (score of 0.999 and more) of every family, whatever is asked; real pictures are one family."""
    sets: dict[tuple[str, str], list[Answered]] = defaultdict(list)
    for one in answered:
        sets[one.question.task.partition("/")[0], one.by].append(one)
    return [
        _share(members, family, BOTH, "right answers", by, lambda one: one.scores["score"] >= 0.999)
        for (family, by), members in sorted(sets.items())
    ]


def false_refusals(answered: Sequence[Answered]) -> list[Row]:
    """How often a question that has an answer is refused."""
    sets: dict[str, list[Answered]] = defaultdict(list)
    for one in answered:
        if one.question.measure not in ("refusal", "reading") and not _says_no(one.question):
            sets[one.by].append(one)
    return [
        _share(members, "not there", BOTH, FALSE_REFUSALS, by, lambda one: bool(one.scores["refused"]))
        for by, members in sorted(sets.items())
    ]


def _says_no(question: Question) -> bool:
    return any(answer.strip("。. ").casefold() in ("no", "没有") for answer in question.answers)


def _by_language(members: Sequence[Answered], row: Callable[[Sequence[Answered], str], Row]) -> list[Row]:
    parts: dict[str, list[Answered]] = defaultdict(list)
    for one in members:
        parts[one.question.language].append(one)
    rows = [row(part, language) for language, part in sorted(parts.items())]
    return [*rows, row(members, BOTH)] if len(rows) > 1 else rows


def _row(members: Sequence[Answered], group: str, language: str, measure: str, by: str, tiles: int | None) -> Row:
    if measure == "reading":
        value = _rate(members, "edits", "characters")
        low, high = bootstrap([one.scores["edits"] for one in members], [one.scores["characters"] for one in members])
    else:
        scores = [one.scores["score"] for one in members]
        value = sum(scores) / len(scores)
        whole = all(score in (0.0, 1.0) for score in scores)
        low, high = wilson(sum(scores), len(scores)) if whole else bootstrap(scores)
    others = [] if measure == "reading" else sorted({name for one in members for name in one.scores} - {"score", "refused"})
    more = {name: sum(one.scores[name] for one in members) / len(members) for name in others}
    if measure == "reading":
        more["without blanks"] = _rate(members, "bare_edits", "bare_characters")
        more["whole"] = sum(one.scores["score"] for one in members) / len(members)
    return Row(
        group=group,
        language=language,
        by=by,
        metric=NAMES[measure],
        count=len(members),
        value=value,
        low=low,
        high=high,
        tiles=tiles,
        more=more,
    )


def _rate(members: Sequence[Answered], over: str, under: str) -> float:
    return sum(one.scores[over] for one in members) / max(1.0, sum(one.scores[under] for one in members))


def _share(members: Sequence[Answered], group: str, language: str, metric: str, by: str, right: Callable[[Answered], bool]) -> Row:
    hits = sum(right(one) for one in members)
    low, high = wilson(hits, len(members))
    return Row(group=group, language=language, by=by, metric=metric, count=len(members), value=hits / len(members), low=low, high=high)
