"""Evaluation inside a run, without a trace in it: the loss on held-back records, and whether generated answers are right.

records kept out of training -> examples -> Batch -> Spread -> held_back/loss, held_back/accuracy
                             -> question  -> engine -> answer == the record's       held_back/exact_match
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TypeAlias, TypeVar

import torch

from internvl.data.batch import Batch
from internvl.data.builder import ExampleBuilder
from internvl.data.collate import collate
from internvl.data.config import LossWeighting
from internvl.data.manifest import DatasetSpec
from internvl.data.record import Record, RecordError
from internvl.engine.vlm import VLM
from internvl.messages import Image, Video
from internvl.processor import Processor, compose
from internvl.prompt.tokenizer import Tokenizer
from internvl.train.callbacks import Callback
from internvl.train.ema import RunningMean
from internvl.train.parallel import Spread
from internvl.train.random_state import same_random_state_after

Item = TypeVar("Item")
HeldBackRecords: TypeAlias = Sequence[tuple[DatasetSpec, Record]]
LIMIT = 256
SEED = 0  # of held-back examples: they look the same at every evaluation
_NO_LABEL = -100


@contextmanager
def evaluating(spread: Spread, ema: RunningMean | None = None) -> Iterator[None]:
    """Evaluation mode, no gradients, and the running mean's weights if there is one. Afterwards everything is as it was."""
    modes = [(module, module.training) for module in spread.root.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in spread.module.buffers()]
    spread.root.eval()
    try:
        with same_random_state_after(spread.world.device), torch.no_grad(), ema.swapped() if ema else nullcontext():
            yield
            spread.settle()
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)


class HeldBackLoss(Callback):
    """Mean loss, and the objective's other means, on at most `limit` records that training never sees, shared out over ranks."""

    def __init__(
        self,
        records: HeldBackRecords,
        builder: ExampleBuilder,
        *,
        weighting: LossWeighting = "token",
        preference: bool = False,
        limit: int = LIMIT,
    ) -> None:
        self.records = spread_out(list(records), limit)
        self.builder, self.weighting, self.preference = builder, weighting, preference

    def on_evaluate(self, spread: Spread, step: int) -> dict[str, float]:
        """held_back/loss and the like; {} without records that can be used."""
        world = spread.world
        total, weight = 0.0, 0.0
        parts: dict[str, float] = {}
        # As many forward passes on every rank, since shards are collected together: who has no record left reads nothing.
        for turn in range(math.ceil(len(self.records) / world.size)):
            batch = self._batch(turn * world.size + world.rank)
            losses = spread(batch.to(world.device))
            total, weight = total + float(losses.total), weight + spread.module.batch_weight(batch)
            for name, value in losses.parts.items():
                parts[name] = parts.get(name, 0.0) + (float(value) if batch.origins else 0.0)
        if not parts:
            return {}
        names = sorted(parts)
        total, weight, *rest = world.sum([total, weight, *(parts[name] for name in names)])
        means = {"loss": total, **dict(zip(names, rest, strict=True))}
        return {f"held_back/{name}": value / weight for name, value in means.items()} if weight else {}

    def _batch(self, number: int) -> Batch:
        if number >= len(self.records):
            return _nothing(rejected=self.preference)
        spec, record = self.records[number]
        try:
            example = self.builder.build(record, spec, seed=SEED)
        except RecordError:  # noted when held-back records were read, or when training met its like
            return _nothing(rejected=self.preference)
        return collate([[example]], weighting=self.weighting)


class ExactMatch(Callback):
    """Share of held-back questions whose generated answer is the record's, but for case and white space at its ends.

    Records of one question and one answer; others are left out, as is everything when there are several ranks.
    """

    def __init__(
        self, records: HeldBackRecords, tokenizer: Tokenizer, processor: Processor, *, limit: int = 64, max_new_tokens: int = 64
    ) -> None:
        self.tokenizer, self.policy, self.max_new_tokens = tokenizer, processor.policy, max_new_tokens
        self.records = spread_out([record for _, record in records if is_question(record)], limit)

    def on_evaluate(self, spread: Spread, step: int) -> dict[str, float]:
        """held_back/exact_match; {} on several ranks or without such records."""
        if spread.world.size > 1 or not self.records:
            return {}
        # A new engine each time: an old one remembers what tiles looked like to earlier weights.
        vlm = VLM(spread.module.model, self.tokenizer, policy=self.policy)
        with spread.autocast():
            answers = answers_to(vlm, self.records, max_new_tokens=self.max_new_tokens)
        right = sum(same_answer(answer, record.utterances[1].text) for answer, record in zip(answers, self.records, strict=True))
        return {"held_back/exact_match": right / len(self.records)}


def spread_out(items: list[Item], most: int) -> list[Item]:
    """At most so many of them, from everywhere in the list: data sets stand one after the other."""
    return items if len(items) <= most else [items[number * len(items) // most] for number in range(most)]


def is_question(record: Record) -> bool:
    """Whether a record is one question and one answer."""
    return [utterance.role for utterance in record.utterances] == ["user", "assistant"]


def answers_to(vlm: VLM, records: Sequence[Record], *, max_new_tokens: int) -> list[str]:
    """Greedy answers to the questions of records of one question."""
    asked = [[compose(record.utterances[0].text, _media(record))] for record in records]
    return [reply.text for reply in vlm.answer_all(asked, max_new_tokens=max_new_tokens)]


def same_answer(answer: str, expected: str) -> bool:
    """Equality but for case and white space at the ends."""
    return answer.strip().casefold() == expected.strip().casefold()


def _media(record: Record) -> list[Image | Video]:
    return [*(Image(source) for source in record.images), *(Video(source) for source in record.videos)]


def _nothing(*, rejected: bool) -> Batch:
    """One row of two tokens without a label: losses of weight 0."""
    none = torch.zeros(1, 2, dtype=torch.long)
    batch = Batch(
        ids=none,
        labels=torch.full_like(none, _NO_LABEL),
        positions=torch.arange(2)[None],
        segments=none,
        weights=torch.zeros(1, 2),
    )
    return batch if not rejected else Batch(**{**vars(batch), "rejected": batch})
