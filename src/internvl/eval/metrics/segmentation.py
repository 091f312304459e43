"""Semantic segmentation (ADE20K): areas are summed map by map, so a test set of any size needs the memory of one map.

prediction map [H, W] and gold map [H, W] of class numbers -> areas per class [3, C] -> aAcc, mIoU, mAcc in percent.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from internvl.eval.errors import EvalError

_MISSING: Any = object()


class SegmentationTotals:
    """Areas of intersection, prediction and gold per class, in pixels, over the maps seen so far.

    `reduce_zero_label` makes gold label 0 the ignored one and shifts the others down by one, as ADE20K's protocol asks;
    predictions are already in the reduced numbering. Pixels whose gold is `ignore_index` count nowhere.
    """

    def __init__(self, num_classes: int, *, ignore_index: int = 255, reduce_zero_label: bool = False) -> None:
        if num_classes < 1:
            raise EvalError(f"segmentation needs at least one class, got {num_classes}")
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.reduce_zero_label = reduce_zero_label
        self.maps = 0
        self.areas = np.zeros((3, num_classes), dtype=np.int64)  # intersection, prediction, gold

    def update(self, prediction: ArrayLike, gold: ArrayLike) -> None:
        """Add one pair of maps of equal shape [H, W]. Raises `EvalError` for other shapes and classes outside the set."""
        number = self.maps + 1
        said, right = _class_map(prediction, f"prediction map {number}"), _class_map(gold, f"gold map {number}")
        if said.shape != right.shape:
            raise EvalError(f"map {number}: the prediction is {said.shape}, the gold map {right.shape}; they must be equal")
        right, counted = self._gold_classes(right)
        said, right = said[counted], right[counted]
        self._check(said, f"prediction map {number}")
        self._check(right, f"gold map {number}")
        for row, classes in enumerate((said[said == right], said, right)):
            self.areas[row] += np.bincount(classes, minlength=self.num_classes)
        self.maps = number

    def result(self) -> dict[str, float]:
        """`{"aAcc", "mIoU", "mAcc"}` in percent with two decimals; classes that occur on neither side are left out."""
        shared, said, right = self.areas.astype(np.float64)
        if not right.sum():
            raise EvalError(f"none of the {self.maps} gold maps has a labelled pixel; there is nothing to score")
        union = said + right - shared
        return {
            "aAcc": _percent(float(shared.sum() / right.sum())),
            "mIoU": _percent(float(np.mean(shared[union > 0] / union[union > 0]))),
            "mAcc": _percent(float(np.mean(shared[right > 0] / right[right > 0]))),
        }

    def _gold_classes(self, gold: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        counted = gold != self.ignore_index
        if not self.reduce_zero_label:
            return gold, counted
        return gold - 1, counted & (gold != 0)

    def _check(self, classes: NDArray[np.int64], what: str) -> None:
        if classes.size and not (classes.min() >= 0 and classes.max() < self.num_classes):
            raise EvalError(f"{what}: classes are 0..{self.num_classes - 1}, found {classes.min()}..{classes.max()}")


def semseg_miou(
    predictions: Iterable[ArrayLike],
    golds: Iterable[ArrayLike],
    num_classes: int,
    ignore_index: int = 255,
    reduce_zero_label: bool = False,
) -> dict[str, float]:
    """`{"aAcc", "mIoU", "mAcc"}` in percent of two streams of maps [H, W], read one pair at a time. Source: mmsegmentation 0.30."""
    totals = SegmentationTotals(num_classes, ignore_index=ignore_index, reduce_zero_label=reduce_zero_label)
    for prediction, gold in zip_longest(predictions, golds, fillvalue=_MISSING):
        if prediction is _MISSING or gold is _MISSING:
            raise EvalError(f"after {totals.maps} pairs one side has another map and the other has none")
        totals.update(prediction, gold)
    return totals.result()


def _class_map(values: ArrayLike, what: str) -> NDArray[np.int64]:
    try:
        given: NDArray[Any] = np.asarray(values)
    except ValueError as fault:
        raise EvalError(f"{what}: {fault}") from None
    if given.ndim != 2 or not (given.size == 0 or np.issubdtype(given.dtype, np.integer)):
        raise EvalError(f"{what}: expected whole class numbers [height, width], got shape {given.shape} of {given.dtype}")
    return given.astype(np.int64)


def _percent(fraction: float) -> float:
    return round(100 * fraction, 2)
