"""The numbers of a mixture, from the sample of each data set: what a run will see, each row weighted by its data set's share.

Surveyed[D] --weights float64[n]--> tasks, languages, lengths, tiles, qualities -> Statistics -> JSON, or the page
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy

from internvl.data.check_report import TILE_STARTS, TOKEN_STARTS, histogram
from internvl.pipelines.report.duplicates import Copies
from internvl.pipelines.report.survey import Looked, Surveyed

PERCENTILES = (5, 50, 95)
# Quality of words and of pictures: column, what it is, the classes of its histogram.
QUALITIES: tuple[tuple[str, str, tuple[float, ...]], ...] = (
    ("words", "words of the answers", (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)),
    ("repetition", "share of the answers that repeats itself", (0, 0.01, 0.1, 0.2, 0.3, 0.5, 0.8)),
    ("short_side", "short side of the picture, pixels", (0, 64, 128, 224, 336, 448, 672, 896, 1344, 2048, 4096)),
    ("aspect", "long side over short side", (1, 1.05, 1.35, 1.8, 2.5, 4, 8)),
    ("contrast", "contrast, levels of 255", (0, 2, 10, 25, 50, 75, 100)),
    ("watermark", "probability of a watermark", (0, 0.1, 0.3, 0.5, 0.7, 0.9)),
    ("aesthetic", "how good the picture looks", (0, 0.2, 0.4, 0.5, 0.6, 0.8)),
    ("unsafe", "probability of unsafe content", (0, 0.1, 0.3, 0.5, 0.7, 0.9)),
)
FLAGS = ("boilerplate", "placeholder", "code", "unreadable", "truncated")


@dataclass(frozen=True, kw_only=True)
class DatasetNumbers:
    """One data set.

    looked: rows of the sample; bad: of these. share: of the run's rows; token_share: of its tokens. Tokens, tiles, turns: means.
    """

    name: str
    task: str
    records: int
    rows: int
    repeat_time: float
    weight: float | None
    share: float
    token_share: float
    looked: int
    bad: int
    text_tokens: float
    visual_tokens: float
    tiles: float
    longest: int
    turns: float
    kinds: Mapping[str, int]
    languages: Mapping[str, float]
    reasons: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Quality:
    """One quality over the run: shares of its classes, and percentiles of each data set that has it (by place)."""

    column: str
    meaning: str
    classes: Mapping[str, float]
    percentiles: Mapping[int, tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """All numbers of the page. Shares are of a run, 0..1.

    asked: by task; empty without a table. lengths: percentiles of the tokens, by place of the data set. flags: share of each data set.
    """

    datasets: tuple[DatasetNumbers, ...]
    tasks: Mapping[str, float]
    asked: Mapping[str, float]
    languages: Mapping[str, float]
    kinds: Mapping[str, float]
    tokens: Mapping[str, float]
    tiles: Mapping[str, float]
    lengths: Mapping[int, tuple[float, ...]]
    qualities: tuple[Quality, ...]
    flags: Mapping[str, tuple[float, ...]]
    copies: tuple[Copies, ...]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def statistics_of(
    surveyed: Sequence[Surveyed],
    copies: Sequence[Copies],
    *,
    tasks: Mapping[str, str],
    asked: Mapping[str, float],
    tokens_per_tile: int,
) -> Statistics:
    """The numbers. tasks: of each data set by name. asked: shares of tasks."""
    tokens = numpy.array([each.share * _mean(each.good, lambda row: row.finding.tokens) for each in surveyed])
    token_shares = tokens / (tokens.sum() or 1.0)
    datasets = tuple(
        _numbers(each, tasks[each.spec.name], float(share), tokens_per_tile) for each, share in zip(surveyed, token_shares, strict=True)
    )
    by_task: defaultdict[str, float] = defaultdict(float)
    for each in datasets:
        by_task[each.task] += each.share
    return Statistics(
        datasets=datasets,
        tasks=_sorted(by_task),
        asked=dict(asked),
        languages=_shares(surveyed, _language),
        kinds=_shares(surveyed, lambda row: row.finding.kind),
        tokens=_classes(surveyed, lambda row: row.finding.tokens, TOKEN_STARTS),
        tiles=_classes(surveyed, lambda row: row.finding.tiles, TILE_STARTS),
        lengths=_percentiles(surveyed, lambda row: row.finding.tokens),
        qualities=tuple(filter(None, (_quality(surveyed, *each) for each in QUALITIES))),
        flags={name: tuple(_flagged(each.good, name) for each in surveyed) for name in FLAGS},
        copies=tuple(copies),
    )


def _numbers(dataset: Surveyed, task: str, token_share: float, tokens_per_tile: int) -> DatasetNumbers:
    good, spec = dataset.good, dataset.spec
    tiles = _mean(good, lambda row: row.finding.tiles)
    reasons = Counter(each.finding.reason or "" for each in dataset.looked if each.finding.reason is not None)
    languages = Counter(_language(each) for each in good)
    return DatasetNumbers(
        name=spec.name,
        task=task,
        records=dataset.records,
        rows=dataset.rows,
        repeat_time=spec.repeat_time,
        weight=spec.weight,
        share=dataset.share,
        token_share=token_share,
        looked=len(dataset.looked),
        bad=reasons.total(),
        text_tokens=_mean(good, lambda row: row.finding.tokens) - tiles * tokens_per_tile,
        visual_tokens=tiles * tokens_per_tile,
        tiles=tiles,
        longest=max((each.finding.tokens for each in good), default=0),
        turns=_mean(good, lambda row: row.turns),
        kinds=dict(Counter(each.finding.kind for each in good).most_common()),
        languages={code: count / len(good) for code, count in languages.most_common()},
        reasons=dict(reasons.most_common(20)),
    )


def _language(row: Looked) -> str:
    return str(row.facts.get("detected_language") or "und")


def _mean(rows: Sequence[Looked], value: Callable[[Looked], float]) -> float:
    return float(numpy.mean([value(row) for row in rows])) if rows else 0.0


def _flagged(rows: Sequence[Looked], name: str) -> float:
    return _mean(rows, lambda row: bool(row.facts.get(name)))


def _weighted(surveyed: Sequence[Surveyed]) -> list[tuple[Looked, float]]:
    """Every good row with its part of the run. A data set without good rows leaves its share to the others."""
    total = sum(each.share for each in surveyed if each.good)
    return [(row, each.share / total / len(each.good)) for each in surveyed if each.good and total for row in each.good]


def _shares(surveyed: Sequence[Surveyed], name: Callable[[Looked], str]) -> dict[str, float]:
    parts: defaultdict[str, float] = defaultdict(float)
    for row, weight in _weighted(surveyed):
        parts[name(row)] += weight
    return _sorted(parts)


def _sorted(parts: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(parts.items(), key=lambda each: (-each[1], each[0])))


def _classes(surveyed: Sequence[Surveyed], value: Callable[[Looked], int], starts: Sequence[int]) -> dict[str, float]:
    """Shares of the classes that `data check` counts in."""
    rows = _weighted(surveyed)
    if not rows:
        return {}
    values = numpy.array([value(row) for row, _ in rows], dtype=numpy.int64)
    names = list(histogram(values, starts))
    place = numpy.searchsorted(starts, values, side="right") - 1
    sums = numpy.bincount(place - place.min(), weights=[weight for _, weight in rows], minlength=len(names))
    return dict(zip(names, sums.tolist(), strict=True))


def _quality(surveyed: Sequence[Surveyed], column: str, meaning: str, starts: tuple[float, ...]) -> Quality | None:
    """A quality; None where no row has it."""
    rows = [(value, weight) for row, weight in _weighted(surveyed) if (value := _value(row, column)) is not None]
    if not rows:
        return None
    place = numpy.clip(numpy.searchsorted(starts, [value for value, _ in rows], side="right") - 1, 0, len(starts) - 1)
    sums = numpy.bincount(place, weights=[weight for _, weight in rows], minlength=len(starts))
    filled = numpy.flatnonzero(sums)
    shares = sums / sums.sum()
    names = [f"{starts[at]:g}–{starts[at + 1]:g}" if at + 1 < len(starts) else f"{starts[at]:g}+" for at in range(len(starts))]
    classes = {names[at]: float(shares[at]) for at in range(filled[0], filled[-1] + 1)}
    return Quality(column=column, meaning=meaning, classes=classes, percentiles=_percentiles(surveyed, lambda row: _value(row, column)))


def _percentiles(surveyed: Sequence[Surveyed], value: Callable[[Looked], float | None]) -> dict[int, tuple[float, ...]]:
    """Of each data set that has values, by its place."""
    values = [[found for row in dataset.good if (found := value(row)) is not None] for dataset in surveyed]
    return {place: tuple(float(each) for each in numpy.percentile(some, PERCENTILES)) for place, some in enumerate(values) if some}


def _value(row: Looked, column: str) -> float | None:
    """A fact as a number. Repetition says nothing where there are no words, and nothing at all of a missing picture is known."""
    if column == "short_side":
        sides = [row.facts.get("width"), row.facts.get("height")]
        return None if None in sides else float(min(side for side in sides if side is not None))
    value = row.facts.get(column)
    return None if value is None else float(value)
