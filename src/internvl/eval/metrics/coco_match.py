"""Average precision as COCO defines it, whatever the similarity: box IoU or keypoint similarity.

groups of one image and category: scores [D], similarities [D, G], ignored gold [G]
-> greedy matching at IoU .50:.05:.95 -> precision at 101 recalls, recall. Source: pycocotools' evaluation, area range "all".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from internvl.eval.errors import EvalError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0.0, 1.0, 101)
_EPSILON = float(np.spacing(1))
NOTHING = -1.0  # pycocotools' value where there is no gold object


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Detections of one image and category, best first: `scores` [D], `hits` and `ignored` [10, D].

    `golds` counts the gold objects that could be found.
    """

    scores: Floats
    hits: Flags
    ignored: Flags
    golds: int


def best_first(records: Sequence[Mapping[str, Any]], limit: int) -> list[Mapping[str, Any]]:
    """At most `limit` records by falling score, those of equal score in the order they came."""
    return sorted(records, key=lambda record: -float(record["score"]))[:limit]


def match(scores: Sequence[float], similarity: Floats, ignored: Sequence[bool], crowd: Sequence[bool]) -> Matched:
    """Give every detection (best first) the most similar gold object that is free, at each of the ten thresholds.

    `similarity` is [D, G]. Ignored gold is taken only when no counted gold fits; a crowd can be taken again and again. A
    detection on ignored gold counts neither as right nor as wrong.
    """
    order = sorted(range(len(ignored)), key=lambda place: bool(ignored[place]))
    sorted_ignored = [bool(ignored[place]) for place in order]
    sorted_crowd = [bool(crowd[place]) for place in order]
    hits = np.zeros((len(THRESHOLDS), len(scores)), dtype=bool)
    skipped = np.zeros_like(hits)
    rows = similarity[:, order].tolist() if len(order) else [[] for _ in scores]
    for step, threshold in enumerate(THRESHOLDS):
        taken = [False] * len(order)
        for place, row in enumerate(rows):
            found = _best_free(row, float(threshold), taken, sorted_ignored, sorted_crowd)
            if found is not None:
                taken[found] = hits[step, place] = True
                skipped[step, place] = sorted_ignored[found]
    return Matched(scores=np.asarray(scores, dtype=np.float64), hits=hits, ignored=skipped, golds=sorted_ignored.count(False))


def average_precision(by_category: Iterable[Sequence[Matched]]) -> tuple[Floats, Floats]:
    """Mean precision [10] and mean final recall [10] per threshold over the categories that have gold; -1 where none has."""
    curves = [_curve(groups) for groups in by_category if sum(group.golds for group in groups)]
    if not curves:
        return np.full(len(THRESHOLDS), NOTHING), np.full(len(THRESHOLDS), NOTHING)
    precisions, recalls = zip(*curves, strict=True)
    return np.mean(precisions, axis=0), np.mean(recalls, axis=0)


def cut(group: Matched, limit: int) -> Matched:
    """The same group with its `limit` best detections only."""
    return Matched(scores=group.scores[:limit], hits=group.hits[:, :limit], ignored=group.ignored[:, :limit], golds=group.golds)


def grouped(
    records: Sequence[Mapping[str, Any]], what: str, fields: Sequence[str]
) -> dict[tuple[Hashable, Hashable], list[Mapping[str, Any]]]:
    """Records by (category_id, image_id). Raises `EvalError` for a record without one of `fields` or with a score that is no number."""
    groups: dict[tuple[Hashable, Hashable], list[Mapping[str, Any]]] = defaultdict(list)
    for number, record in enumerate(records, 1):
        absent = [name for name in ("image_id", "category_id", *fields) if name not in record]
        if absent:
            raise EvalError(f"{what} {number}: the field {absent[0]!r} is missing; it has {sorted(map(str, record))}")
        if not all(isinstance(record[name], int | str) for name in ("image_id", "category_id")):
            raise EvalError(f"{what} {number}: image_id and category_id are whole numbers or texts")
        if "score" in fields:
            numbers(record["score"], None, f"{what} {number}: the score")
        groups[record["category_id"], record["image_id"]].append(record)
    return groups


def in_order(*groups: Mapping[tuple[Hashable, Hashable], object]) -> list[tuple[Hashable, Hashable]]:
    """Every (category, image) of `groups` once, by image number or name: equal scores of two images rank in this order."""
    return sorted({pair for group in groups for pair in group}, key=_image_order)


def numbers(value: object, count: int | None, what: str) -> Floats:
    """`count` finite numbers as an array, or one number where `count` is None; `EvalError` for anything else."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.full((), np.nan)
    if array.shape != (() if count is None else (count,)) or not np.isfinite(array).all():
        raise EvalError(
            f"{what}: expected {'one finite number' if count is None else f'{count} finite numbers'}, got {str(value)[:80]}"
        )
    return array


def _image_order(pair: tuple[Hashable, Hashable]) -> tuple[bool, Any]:
    return isinstance(pair[1], str), pair[1]


def _best_free(row: list[float], threshold: float, taken: list[bool], ignored: list[bool], crowd: list[bool]) -> int | None:
    best, found = min(threshold, 1 - 1e-10), None
    for place, value in enumerate(row):
        if taken[place] and not crowd[place]:
            continue
        if found is not None and not ignored[found] and ignored[place]:
            break
        if value >= best:
            best, found = value, place
    return found


def _curve(groups: Sequence[Matched]) -> tuple[Floats, Floats]:
    """Interpolated precision averaged over 101 recalls [10], and the last recall [10], of one category."""
    golds = sum(group.golds for group in groups)
    order = np.argsort(-np.concatenate([group.scores for group in groups]), kind="mergesort")
    hits = np.concatenate([group.hits for group in groups], axis=1)[:, order]
    ignored = np.concatenate([group.ignored for group in groups], axis=1)[:, order]
    right = np.cumsum(hits & ~ignored, axis=1, dtype=np.float64)
    wrong = np.cumsum(~hits & ~ignored, axis=1, dtype=np.float64)
    if not order.size:
        return np.zeros(len(THRESHOLDS)), np.zeros(len(THRESHOLDS))
    recall = right / golds
    precision = right / (right + wrong + _EPSILON)
    falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return np.array([_at_recalls(*pair) for pair in zip(recall, falling, strict=True)]), recall[:, -1]


def _at_recalls(recall: Floats, precision: Floats) -> float:
    places = np.searchsorted(recall, _RECALLS, side="left")
    reached = places[places < len(precision)]
    return float(precision[reached].sum()) / len(_RECALLS)
