"""Score retrieval: pictures [P, D] and captions [Q, D], each asked for the other, a block of queries at a time.

    captions x pictures -> rank of its picture              -> image_retrieval_recall@K
    pictures x captions -> rank of the best of its captions -> text_retrieval_recall@K

Names and rule are clip_benchmark's: one positive among the first K makes a hit, however many there are. A dual softmax weighs each
score by how much its entry prefers that query among all of them (the original's video retrieval).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from internvl.eval.caption_files import Captioned
from internvl.eval.embedding_task import Features, Outcome
from internvl.eval.sample import Scored
from internvl.eval.similarity import all_units, first_ranks, similarities

if TYPE_CHECKING:
    from torch import Tensor

KS = (1, 5, 10)
SCALE = 100.0
"""Of the cosines that a dual softmax weighs."""


def retrieve(captioned: Captioned, pictures: Features, captions: Features, *, total: int, dual_softmax: bool = False) -> Outcome:
    """Recall at 1, 5 and 10 both ways, their mean, and a row a query: captions first, then pictures.

    total: how many queries there are without a limit. dual_softmax: weigh scores by all queries; then a score is no longer that of
    one query alone.
    """
    owners = captioned.owners
    every = range(len(captioned.pictures))
    by_text = [
        _row(f"text:{query}", captioned.rows[query], captioned.pictures[best].id, captioned.pictures[owners[query]].id, rank)
        for query, (best, rank) in enumerate(_ranked(captions, pictures, owners, every, dual_softmax))
    ]
    by_image = [
        _row(f"image:{picture.id}", picture.row, captioned.captions[best], picture.id, rank)
        for picture, (best, rank) in zip(captioned.pictures, _ranked(pictures, captions, every, owners, dual_softmax), strict=True)
    ]
    scores = {f"image_retrieval_recall@{k}": _recall(by_text, k) for k in KS}
    scores |= {f"text_retrieval_recall@{k}": _recall(by_image, k) for k in KS}
    return Outcome(scores=scores | {"mean_recall": sum(scores.values()) / len(scores)}, rows=[*by_text, *by_image], total=total)


def _ranked(
    queries: Features, gallery: Features, owners: Sequence[int], belongs: Sequence[int], dual_softmax: bool
) -> list[tuple[int, int]]:
    """(best entry, rank of the first right one) of each query: an entry is right when it belongs to the query's owner."""
    import torch

    asking, offered, found = torch.tensor(owners), torch.tensor(belongs), []
    candidates = all_units(gallery)
    for start, scores in _weighed(queries, candidates) if dual_softmax else similarities(queries, candidates):
        ranks = first_ranks(scores, asking[start : start + len(scores), None] == offered)
        found += list(zip(scores.numpy().argmax(axis=1).tolist(), ranks, strict=True))
    return found


def _weighed(queries: Features, candidates: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Scores times their softmax over the queries, which takes a pass of its own."""
    import torch

    sums = torch.full((len(candidates),), -torch.inf)
    for _, scores in similarities(queries, candidates, scale=SCALE):
        sums = torch.logaddexp(sums, scores.logsumexp(dim=0))
    for start, scores in similarities(queries, candidates, scale=SCALE):
        yield start, scores * (scores - sums).exp()


def _row(name: str, row: int, answer: str, gold: str, rank: int) -> Scored:
    score = {"score": float(rank == 0), "prediction": answer, "rank": rank + 1}
    return Scored(id=name, row=row, answers=(answer,), reference=gold, extra={}, score=score)


def _recall(rows: Sequence[Scored], k: int) -> float:
    return sum(1.0 for row in rows if row.score["rank"] <= k) / len(rows)
