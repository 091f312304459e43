"""Retrieval among held-back pairs: how good the common space is on pictures and texts that training never saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from internvl.data.collate import collate
from internvl.data.example import Example
from internvl.data.manifest import DatasetSpec
from internvl.data.pairs import PairBuilder
from internvl.data.record import Record, RecordError
from internvl.models.contrastive.dual import DualModel, Mode
from internvl.train.callbacks import Callback
from internvl.train.evaluation import spread_out
from internvl.train.parallel import Spread

LIMIT = 512
TOGETHER = 16


class HeldBackRetrieval(Callback):
    """R@1 and R@5 both ways among at most `limit` held-back pairs; captions of one picture all count as right.

    Every rank encodes all of them, since shards are collected together.
    """

    def __init__(self, records: Sequence[tuple[DatasetSpec, Record]], builder: PairBuilder, *, mode: Mode, limit: int = LIMIT) -> None:
        self.records, self.builder, self.mode = spread_out(list(records), limit), builder, mode

    def on_evaluate(self, spread: Spread, step: int) -> dict[str, float]:
        """held_back/image_to_text@1 and the like; {} without pairs that can be used."""
        images, texts, keys = [], [], []
        model = cast(DualModel, spread.module.model)
        for start in range(0, len(self.records), TOGETHER):
            examples = [each for each in map(self._example, self.records[start : start + TOGETHER]) if each is not None]
            if not examples:
                continue
            batch = collate([[each] for each in examples], weighting="token").to(spread.world.device)
            if batch.pixels is None or batch.pairs is None:
                continue
            with spread.autocast():
                images.append(F.normalize(model.encode_image(batch.pixels, self.mode).float(), dim=-1))
                texts.append(F.normalize(model.encode_text(batch.ids).float(), dim=-1))
            keys.append(batch.pairs.image_keys)
        if not images:
            return {}
        scores, key = torch.cat(images) @ torch.cat(texts).T, torch.cat(keys)
        right = key[:, None] == key[None]
        ways = {"image_to_text": (scores, right), "text_to_image": (scores.T, right.T)}
        return {f"held_back/{way}@{k}": recall(found, wanted, k) for way, (found, wanted) in ways.items() for k in (1, 5)}

    def _example(self, item: tuple[DatasetSpec, Record]) -> Example | None:
        spec, record = item
        try:
            return self.builder.build(record, spec, seed=0)
        except RecordError:  # noted when held-back records were read, or when training met its like
            return None


def recall(scores: Tensor, right: Tensor, k: int) -> float:
    """Share of rows with a right column among their k best."""
    best = scores.topk(min(k, scores.shape[1])).indices
    return float(right.gather(1, best).any(1).float().mean())
