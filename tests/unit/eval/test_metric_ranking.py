"""Recall at K, top-k accuracy, recall per class and the clean-up of retrieval captions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from internvl.eval.errors import EvalError
from internvl.eval.metrics import ranking
from internvl.eval.metrics.ranking import mean_per_class_recall, recall_at_k, topk_accuracy
from internvl.prompt.captions import cleaned_caption

TEXTS = [[0.2, 0.9], [0.8, 0.1], [0.6, 0.7], [0.5, 0.3]]
OWNERS = [0, 0, 1, 1]


def test_recall_examples() -> None:
    scores = [[0.9, 0.1, 0.2], [0.3, 0.8, 0.7], [0.2, 0.6, 0.5]]
    assert recall_at_k(scores, [0, 2, 2], 1) == pytest.approx(1 / 3)
    assert recall_at_k(scores, [0, 2, 2], 2) == 1.0
    marks = [[int(owner == picture) for picture in range(2)] for owner in OWNERS]
    assert recall_at_k(TEXTS, OWNERS, 1) == recall_at_k(TEXTS, marks, 1) == 0.5
    assert recall_at_k(TEXTS, marks, 1, axis="columns=queries") == 0.5
    assert recall_at_k(np.transpose(TEXTS), np.transpose(marks), 1) == 0.5


def test_classification_examples() -> None:
    logits = [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5]]
    assert topk_accuracy(logits, [2, 0, 0], 1) == pytest.approx(1 / 3)
    assert topk_accuracy(logits, [2, 0, 0], 2) == pytest.approx(2 / 3)
    assert mean_per_class_recall([1, 0, 2], [2, 0, 0]) == 0.25
    assert mean_per_class_recall(["a", "b"], ["b", "b"]) == 0.5


def test_equal_scores_rank_by_index() -> None:
    assert recall_at_k([[0.5, 0.5, 0.5]], [0], 1) == 1.0
    assert recall_at_k([[0.5, 0.5, 0.5]], [2], 2) == 0.0
    assert recall_at_k([[0.5, 0.5, 0.5]], [[0, 1, 1]], 2) == 1.0


def test_a_k_beyond_the_gallery_finds_everything() -> None:
    assert recall_at_k(TEXTS, OWNERS, 10) == 1.0


def test_chunks_give_the_recall_of_the_whole_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = np.random.default_rng(0)
    queries, gallery = dice.normal(size=(60, 8)), dice.normal(size=(25, 8))
    positives = [sorted({int(dice.integers(25)), int(dice.integers(25))}) for _ in range(60)]
    marks = np.zeros((60, 25), dtype=int)
    for row, indices in enumerate(positives):
        marks[row, indices] = 1
    monkeypatch.setattr(ranking, "_CHUNK_BYTES", 25 * 10 * 7)
    order = np.argsort(-(queries @ gallery.T), axis=1)
    for k in (1, 5, 10):
        found = [bool({*row[:k]} & {*indices}) for row, indices in zip(order, positives, strict=True)]
        assert recall_at_k(queries @ gallery.T, marks, k) == np.mean(found)


@pytest.mark.parametrize(
    ("scores", "positives", "k"),
    [
        ([[1.0, float("nan")]], [0], 1),
        ([[1.0, 2.0]], [2], 1),
        ([[1.0, 2.0]], [-1], 1),
        ([[1.0, 2.0]], [[0, 0]], 1),
        ([[1.0, 2.0]], [[0, 2]], 1),
        ([[1.0, 2.0]], [0, 1], 1),
        ([[1.0, 2.0]], [0], 0),
        ([], [], 1),
        ([["a", "b"]], [0], 1),
        ([[1.0], [1.0, 2.0]], [0, 0], 1),
    ],
)
def test_scores_and_positives_that_do_not_fit_are_refused(scores: Any, positives: Any, k: int) -> None:
    with pytest.raises(EvalError):
        recall_at_k(scores, positives, k)


def test_other_broken_input_is_refused() -> None:
    with pytest.raises(EvalError, match="axis"):
        recall_at_k(TEXTS, OWNERS, 1, axis="diagonal")
    with pytest.raises(EvalError):
        mean_per_class_recall([1, 2], [1])
    with pytest.raises(EvalError):
        mean_per_class_recall([], [])


@pytest.mark.parametrize(
    ("caption", "cleaned"),
    [
        ('A Dog. "runs" (fast)!', "a dog runs fast"),
        ("a--b: c~d", "a--b c d"),
        ("A  man\n", "a man"),
        ("one\ntwo\tthree", "one\ntwo\tthree"),
        ("", ""),
        ("...", ""),
        (" ".join(["w"] * 60), " ".join(["w"] * 50)),
    ],
)
def test_captions_are_cleaned(caption: str, cleaned: str) -> None:
    assert cleaned_caption(caption) == cleaned


def test_a_caption_of_a_million_blanks_is_cleaned() -> None:
    assert cleaned_caption(" . " * 333_333 + "a") == "a"
