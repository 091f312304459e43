"""Ranking metrics: recall at K of retrieval, top-k accuracy and mean recall per class of classification.

scores [queries, gallery] or features [n, D] -> rank of the first right entry of every query -> share of queries with rank < K.
Entries of equal score rank in the order of their index. The original takes `torch.topk`, which leaves that order open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from internvl.eval.errors import EvalError

Array = NDArray[Any]
_CHUNK_BYTES = 64 * 2**20


def recall_at_k(scores: ArrayLike, positives: ArrayLike, k: int = 1, axis: str = "rows=queries") -> float:
    """The share of queries that have at least one positive among their `k` best entries, 0..1.

    `scores` is [queries, gallery]; with `axis="columns=queries"` the columns ask and the rows are the gallery. `positives` is a
    0/1 matrix of the same shape, or one gallery index for every query. Raises `EvalError` for scores that are not numbers,
    shapes that don't fit and queries without a positive. Source: CLIP benchmark, Karpathy's retrieval protocol.
    """
    matrix = _matrix(scores, "scores")
    marks = _marks(positives, matrix.shape, axis)
    if _asking_columns(axis):
        matrix, marks = matrix.T, marks.T
    return float(np.mean(_ranks(matrix, marks) < _positive(k)))


def topk_accuracy(logits: ArrayLike, golds: ArrayLike, k: int = 1) -> float:
    """The share of rows of `logits` [n, classes] whose gold class is among the `k` largest, 0..1."""
    return recall_at_k(logits, golds, k)


def mean_per_class_recall(predictions: ArrayLike, golds: ArrayLike) -> float:
    """The mean over the classes that occur in `golds` [n] of the share of their items that are predicted right, 0..1."""
    said, right = np.asarray(predictions), np.asarray(golds)
    if said.shape != right.shape or said.ndim != 1 or not said.size:
        raise EvalError(f"predictions and golds are two equally long lists of classes, got shapes {said.shape} and {right.shape}")
    _, classes = np.unique(right, return_inverse=True)
    return float(np.mean(np.bincount(classes, weights=said == right) / np.bincount(classes)))


def _ranks(scores: Array, marks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The rank (0 = best) of every row's first positive: entries above it, and equal ones before it."""
    ranks = np.empty(len(scores), dtype=np.int64)
    for part in _chunks(len(scores), row_bytes=scores.shape[1] * 10):
        rows, right = scores[part], marks[part]
        _check_rows(rows, right, part.start)
        best = np.where(right, rows, -np.inf).max(axis=1, keepdims=True)
        place = np.argmax(right & (rows == best), axis=1)
        before = np.arange(scores.shape[1])[None, :] < place[:, None]
        ranks[part] = np.count_nonzero((rows > best) | ((rows == best) & before), axis=1)
    return ranks


def _check_rows(rows: Array, right: NDArray[np.bool_], first_row: int) -> None:
    broken = np.isnan(rows).any(axis=1)
    if broken.any():
        raise EvalError(f"the scores of query {first_row + int(broken.argmax())} (counted from 0) hold NaN")
    alone = ~right.any(axis=1)
    if alone.any():
        raise EvalError(f"query {first_row + int(alone.argmax())} (counted from 0) has no positive in the gallery")


def _marks(positives: ArrayLike, shape: tuple[int, ...], axis: str) -> NDArray[np.bool_]:
    given = np.asarray(positives)
    if given.shape == shape and np.isin(given, (0, 1)).all():
        return given.astype(bool)
    asking = shape[1] if _asking_columns(axis) else shape[0]
    offered = shape[0] if _asking_columns(axis) else shape[1]
    if given.shape == (asking,) and np.issubdtype(given.dtype, np.integer):
        marks = _marked([[int(index)] for index in given], offered)
        return marks.T if _asking_columns(axis) else marks
    raise EvalError(f"positives are a 0/1 matrix of shape {shape}, or {asking} gallery indices, got shape {given.shape}")


def _marked(positives: Sequence[Sequence[int]], offered: int) -> NDArray[np.bool_]:
    marks = np.zeros((len(positives), offered), dtype=bool)
    for row, indices in enumerate(positives):
        if not all(0 <= index < offered for index in indices):
            raise EvalError(f"query {row} (counted from 0) has a positive outside 0..{offered - 1}: {list(indices)}")
        marks[row, list(indices)] = True
    return marks


def _asking_columns(axis: str) -> bool:
    asking = {"rows=queries": False, "columns=queries": True, "cols=queries": True}
    if axis not in asking:
        raise EvalError(f"axis is one of {', '.join(asking)}, got {axis!r}")
    return asking[axis]


def _matrix(values: ArrayLike, what: str) -> Array:
    try:
        matrix = np.asarray(values)
        matrix = matrix if np.issubdtype(matrix.dtype, np.floating) else matrix.astype(np.float64)
    except (TypeError, ValueError) as fault:
        raise EvalError(f"{what} must be a matrix of numbers: {fault}") from None
    if matrix.ndim != 2 or not matrix.size:
        raise EvalError(f"{what} must be a matrix with rows and columns, got shape {matrix.shape}")
    return matrix


def _positive(k: int) -> int:
    if k < 1:
        raise EvalError(f"K must be at least 1, got {k}")
    return k


def _chunks(rows: int, *, row_bytes: int) -> Iterator[slice]:
    step = max(1, _CHUNK_BYTES // max(1, row_bytes))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))
