"""Rows of examples become one batch of tensors, padded on the right to the longest row.

    [[Example, Example], [Example]]  ->  Batch: ids, labels, positions, segments, weights [B,L], pixels [T,3,S,S]

Padding is told by segment -1 and by nothing else: id 0 is an ordinary token of many vocabularies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from internvl.data.batch import Batch, PairBatch
from internvl.data.config import LossWeighting
from internvl.data.example import Example
from internvl.data.loss_weight import token_weights
from internvl.data.record import Origin
from internvl.errors import ConfigError
from internvl.prompt.labels import IGNORED

_Sequence = tuple[Tensor, Tensor]  # ids [L], labels [L]


def collate(rows: Sequence[Sequence[Example]], *, weighting: LossWeighting) -> Batch:
    """One batch of at least one row of at least one example each; with `rejected` when the examples have a worse answer.

    Raises ConfigError when some have one and others have none.
    """
    examples = [example for row in rows for example in row]
    pixels = [example.pixels for example in examples if example.pixels is not None]
    shared = torch.cat(pixels) if pixels else None
    origins = tuple(example.origin for example in examples)
    worse = [[_rejected(example) for example in row] for row in rows]
    missing = sum(sequence is None for row in worse for sequence in row)
    if 0 < missing < len(examples):
        raise ConfigError(
            f"a batch has either a rejected answer in every example or in none; here {missing} of {len(examples)} lack it"
        )
    chosen = [[(example.ids, example.labels) for example in row] for row in rows]
    rejected = None if missing else _padded([[each for each in row if each] for row in worse], shared, weighting, origins, None)
    return replace(_padded(chosen, shared, weighting, origins, rejected), pairs=_pairs(examples))


def _pairs(examples: Sequence[Example]) -> PairBatch | None:
    pairs = [example.pair for example in examples if example.pair is not None]
    if not pairs:
        return None
    kept = [pair.kept for pair in pairs if pair.kept is not None]
    return PairBatch(
        matching=_pad([pair.matching for pair in pairs], 0),
        caption_ids=_pad([pair.caption_ids for pair in pairs], 0),
        caption_labels=_pad([pair.caption_labels for pair in pairs], IGNORED),
        image_keys=torch.tensor([pair.image_key for pair in pairs]),
        kept=None if not kept else torch.stack(kept),
    )


def _rejected(example: Example) -> _Sequence | None:
    if example.rejected_ids is None or example.rejected_labels is None:
        return None
    return example.rejected_ids, example.rejected_labels


def _padded(
    rows: Sequence[Sequence[_Sequence]],
    pixels: Tensor | None,
    weighting: LossWeighting,
    origins: tuple[Origin, ...],
    rejected: Batch | None,
) -> Batch:
    lengths = [[len(ids) for ids, _ in row] for row in rows]
    return Batch(
        ids=_pad([torch.cat([ids for ids, _ in row]) for row in rows], 0),
        labels=_pad([torch.cat([labels for _, labels in row]) for row in rows], IGNORED),
        positions=_pad([torch.cat([torch.arange(length) for length in row]) for row in lengths], 0),
        segments=_pad([torch.repeat_interleave(torch.tensor(row)) for row in lengths], -1),
        weights=_pad([torch.cat([token_weights(labels, weighting) for _, labels in row]) for row in rows], 0),
        pixels=pixels,
        origins=origins,
        rejected=rejected,
    )


def _pad(rows: list[Tensor], value: int) -> Tensor:
    return pad_sequence(rows, batch_first=True, padding_value=value)
