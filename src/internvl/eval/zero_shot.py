"""Score a zero-shot classification: 100 x cosine of pictures [n, D] and classes [C, D], a block of pictures at a time.

logits [b, C] -> rank of the gold class -> acc1, acc5; the best class -> mean recall of the classes (clip_benchmark)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from internvl.eval.embedding_task import Features, Outcome, Picture
from internvl.eval.metrics.ranking import mean_per_class_recall
from internvl.eval.sample import Scored
from internvl.eval.similarity import first_ranks, similarities

if TYPE_CHECKING:
    from torch import Tensor

SCALE = 100.0
TOP = 5


def classify(pictures: Sequence[Picture], features: Features, weights: Tensor, names: Sequence[str], *, total: int) -> Outcome:
    """acc1, acc5 (None with fewer than five classes) and the mean recall of the classes that occur; a row a picture.

    weights: float32[C, D] of unit length. total: how many pictures there are without a limit.
    """
    rows: list[Scored] = []
    predictions: list[int] = []
    golds = [single_label(picture) for picture in pictures]
    for start, logits in similarities(features, weights, scale=SCALE):
        stop = start + len(logits)
        best = logits.numpy().argmax(axis=1).tolist()  # the first of equal ones, as ranks have it
        ranks = first_ranks(logits, _is_gold(golds[start:stop], logits))
        rows += [_row(*each, names) for each in zip(pictures[start:stop], best, ranks, strict=True)]
        predictions += best
    scores = {
        "acc1": sum(row.score["score"] for row in rows) / len(rows),
        "acc5": sum(row.score["top5"] for row in rows) / len(rows) if len(names) >= TOP else None,
        "mean_per_class_recall": mean_per_class_recall(predictions, golds),
    }
    return Outcome(scores=scores, rows=rows, total=total)


def single_label(picture: Picture) -> int:
    """The class of a picture that has one."""
    return picture.label if isinstance(picture.label, int) else picture.label[0]


def _is_gold(golds: Sequence[int], logits: Tensor) -> Tensor:
    """bool[b, C]."""
    import torch

    return torch.arange(logits.shape[1]) == torch.tensor(golds)[:, None]


def _row(picture: Picture, best: int, rank: int, names: Sequence[str]) -> Scored:
    gold = single_label(picture)
    return Scored(
        id=picture.id,
        row=picture.row,
        answers=(names[best],),
        reference=names[gold],
        extra={"class": gold},
        score={"score": float(rank == 0), "prediction": names[best], "top5": float(rank < TOP), "rank": rank + 1},
    )
