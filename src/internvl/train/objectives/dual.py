"""What dual encoders learn by (InternVL 1.0, section 3.3, and the original's training code):

    contrastive   pool(picture) against text, over all processes                                       stage 1
    generative    matching + contrastive by the queries + captioning, one pass through QLLaMA          stage 2
    retrieval     matching + contrastive by the queries + contrastive by the pool, captions of one picture sharing its place

The weight of a batch is its number of pairs, and every term is a mean over them times that number: so runs over several processes add
up to one. Two faults of the original are mended: with one pair a process it had no negative and failed, and a negative could be a
caption of the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from internvl.data.batch import Batch, PairBatch
from internvl.errors import ConfigError
from internvl.models.contrastive.dual import DualModel
from internvl.models.contrastive.masks import Sight, joint_mask
from internvl.models.language.cache import Step
from internvl.prompt.labels import IGNORED
from internvl.train.objectives.contrastive import CHUNK_ROWS, LARGEST_SCALE, contrast
from internvl.train.objectives.module import Losses

Kind: TypeAlias = Literal["contrastive", "generative", "retrieval"]
KINDS: tuple[Kind, ...] = ("contrastive", "generative", "retrieval")


class DualObjective(nn.Module):
    """Losses of a DualModel. Parts: what each term is, and `accuracy`: a picture's own text is the most similar of all."""

    def __init__(self, kind: Kind, *, label_smoothing: float = 0.0, chunk_rows: int = CHUNK_ROWS) -> None:
        super().__init__()
        self.kind, self.label_smoothing, self.chunk_rows = kind, label_smoothing, chunk_rows

    def forward(self, model: nn.Module, batch: Batch, placeholder_id: int) -> Losses:
        """Losses of a batch of pairs. Raises ConfigError for a batch without pictures or without the other texts."""
        dual = cast(DualModel, model)
        if batch.pixels is None or batch.pairs is None:
            raise ConfigError("a dual encoder learns from pairs of a picture and a caption; this batch has none")
        vision = dual.see(batch.pixels, kept=batch.pairs.kept)
        if self.kind == "contrastive":
            parts = self._contrast("contrastive", dual, dual.pool(vision), dual.encode_text(batch.ids))
        elif self.kind == "generative":
            parts = self._generative(dual, vision, batch.ids, batch.pairs)
        else:
            parts = self._retrieval(dual, vision, batch.ids, batch.pairs)
        total = torch.stack([value for name, value in parts.items() if not name.endswith("accuracy")]).sum()
        pairs = torch.tensor(float(len(batch.ids)), device=total.device)
        told = {name: value.detach() for name, value in parts.items()}
        return Losses(total=total, weight=pairs, parts=told, tokens=pairs.long())

    def weight(self, batch: Batch) -> float:
        """The number of pairs."""
        return float(len(batch.ids))

    def _generative(self, dual: DualModel, vision: Tensor, ids: Tensor, pairs: PairBatch) -> dict[str, Tensor]:
        """The first half of the pairs, rounded up, is asked about another picture's caption, the rest about its own."""
        every = torch.arange(len(ids), device=ids.device)
        other, found = another_caption(pairs.image_keys)
        wrong = found & (every < len(ids) - len(ids) // 2)
        asked = pairs.matching[torch.where(wrong, other, every)]
        matching, comparing, writing = read_together(
            dual, vision, [Reading("all", asked, every), Reading("apart", ids, every), Reading("after", pairs.caption_ids, every)]
        )
        return {
            **_match(dual, matching.queries, ~wrong, len(ids)),
            **self._contrast("contrastive", dual, dual.query_pool(comparing.queries), _last(dual, comparing.words, ids)),
            "captioning": _captioning(dual, writing.words, pairs.caption_labels),
        }

    def _retrieval(self, dual: DualModel, vision: Tensor, ids: Tensor, pairs: PairBatch) -> dict[str, Tensor]:
        """Every pair is asked about its own caption, and about another picture's where there is one."""
        every = torch.arange(len(ids), device=ids.device)
        other, found = another_caption(pairs.image_keys)
        asked = pairs.matching[torch.cat([other[found], every])]
        right = torch.cat([torch.zeros_like(other[found]), torch.ones_like(every)]).bool()
        shown = torch.cat([every[found], every])
        matching, comparing = read_together(dual, vision, [Reading("all", asked, shown), Reading("apart", ids, every)])
        text = _last(dual, comparing.words, ids)
        return {
            **_match(dual, matching.queries, right, len(ids)),
            **self._contrast("contrastive", dual, dual.query_pool(comparing.queries), text, pairs.image_keys),
            **self._contrast("plain", dual, dual.pool(vision), text, pairs.image_keys),
        }

    def _contrast(self, name: str, dual: DualModel, image: Tensor, text: Tensor, keys: Tensor | None = None) -> dict[str, Tensor]:
        scale = dual.logit_scale.float().exp().clamp(max=LARGEST_SCALE)
        loss, hits = contrast(image, text, scale, label_smoothing=self.label_smoothing, chunk_rows=self.chunk_rows, keys=keys)
        return {name: loss, "accuracy" if name == "contrastive" else f"{name}_accuracy": hits}


@dataclass(frozen=True)
class Reading:
    """Texts [n,L] that are read behind queries which look at pictures [n]. sight: who sees whom, as `joint_mask` says."""

    sight: Sight
    ids: Tensor
    pictures: Tensor


@dataclass(frozen=True)
class States:
    """What was read: states of the queries [n,Q,D] and of the text's tokens [n,L,D]."""

    queries: Tensor
    words: Tensor


def read_together(dual: DualModel, vision: Tensor, readings: Sequence[Reading]) -> list[States]:
    """Several readings of the pictures' vision tokens [B,1+N,C] in one pass through QLLaMA."""
    longest = max(reading.ids.shape[1] for reading in readings)
    padded = [F.pad(reading.ids, (0, longest - reading.ids.shape[1])) for reading in readings]
    ids, pictures = torch.cat(padded), torch.cat([reading.pictures for reading in readings])
    queries = dual.config.queries
    mask = torch.cat([joint_mask(rows > 0, queries, reading.sight) for rows, reading in zip(padded, readings, strict=True)])
    total = queries + longest
    hidden = torch.cat([dual.queries.expand(len(ids), -1, -1), dual.language_model.embedding(ids)], dim=1)
    step = Step(torch.arange(total, device=ids.device)[None], mask, False, total, context=vision[pictures])
    states = dual.language_model(hidden, step=step).split([len(reading.ids) for reading in readings])
    return [
        States(rows[:, :queries], rows[:, queries : queries + reading.ids.shape[1]])
        for rows, reading in zip(states, readings, strict=True)
    ]


def another_caption(image_keys: Tensor) -> tuple[Tensor, Tensor]:
    """For each row the next one, in a circle, that shows another picture, and whether there is one; int64 and bool [B]."""
    count = len(image_keys)
    steps = torch.arange(1, count + 1, device=image_keys.device)
    places = (torch.arange(count, device=image_keys.device)[:, None] + steps) % count  # the last one is the row itself
    differs = image_keys[places] != image_keys[:, None]
    first = differs.int().argmax(1)
    return places.gather(1, first[:, None])[:, 0], differs.any(1)


def _match(dual: DualModel, queries: Tensor, right: Tensor, pairs: int) -> dict[str, Tensor]:
    """Whether text and picture belong together, from the mean over the queries of their answers."""
    logits = dual.match_head(queries).mean(1).float()
    share = pairs / len(right)
    hits = (logits.detach().argmax(-1) == right.long()).float().sum()
    return {"matching": share * F.cross_entropy(logits, right.long(), reduction="sum"), "match_accuracy": share * hits}


def _captioning(dual: DualModel, words: Tensor, labels: Tensor) -> Tensor:
    """Mean loss of the captions' tokens, times the number of pairs. The output head sees labelled places alone."""
    targets = labels[:, 1:]
    learnt = targets != IGNORED
    if not bool(learnt.any()):
        return words.sum() * 0.0
    logits = dual.language_model.logits(words[:, :-1][learnt]).float()
    return len(labels) * F.cross_entropy(logits, targets[learnt])


def _last(dual: DualModel, words: Tensor, ids: Tensor) -> Tensor:
    """The last token's state of each text in the common space, [B,E]."""
    last = (ids > 0).sum(1) - 1
    vectors: Tensor = words[torch.arange(len(ids), device=ids.device), last] @ dual.text_projection
    return vectors
