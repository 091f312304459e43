"""Beam search: the most likely answer found by keeping several at a time.

Scores are sums of log-probabilities divided by length^length_penalty, the end token counted. The search ends when enough answers
are complete and no open one can still overtake the worst of them at its present length, the rule of the library the released
models used, so that both find the same answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from internvl.engine.sampling import SamplingParams, adjust, check_finite
from internvl.models.language.cache import KVCache


class Continues(Protocol):
    """A model that appends the next token of every beam [B,1] to a cache -> logits [B,1,vocabulary]."""

    def __call__(self, ids: Tensor, *, cache: KVCache) -> Tensor: ...


@dataclass(frozen=True)
class Beam:
    """An answer so far and the sum of its log-probabilities, or, once complete, that sum with the length penalty."""

    ids: tuple[int, ...]
    score: float


def beam_search(
    model: Continues, cache: KVCache, logits: Tensor, params: SamplingParams, stop_ids: frozenset[int], *, room: int
) -> list[int]:
    """The ids of the best answer, its end token included if it has one. `cache` holds the prompt, `logits` [vocabulary] follow it.

    The cache stays as it is: the search works on copies.
    """
    width = params.num_beams
    keep = max(2, 1 + len(stop_ids)) * width  # so many that `width` open ones remain, whichever of them end here
    done: list[Beam] = []
    beams, rows = [Beam((), 0.0)], logits[None]
    for length in range(1, room + 1):
        candidates = _candidates(beams, rows, params, stop_ids, keep=keep)
        ended = [beam for _, beam in candidates[:width] if length == room or beam.ids[-1] in stop_ids]
        done = sorted(done + [_penalised(beam, params) for beam in ended], key=lambda beam: -beam.score)[:width]
        going = [(row, beam) for row, beam in candidates if beam.ids[-1] not in stop_ids][:width]
        if length == room or not going or _settled(done, going[0][1], params):
            break
        beams = [beam for _, beam in going]
        cache = cache.select([row for row, _ in going])
        rows = model(torch.tensor([beam.ids[-1] for beam in beams])[:, None], cache=cache)[:, -1]
    return list(done[0].ids)


def _settled(done: list[Beam], best_open: Beam, params: SamplingParams) -> bool:
    """Whether enough answers are complete and the best open one, ended now, would not be among them."""
    return len(done) == params.num_beams and done[-1].score >= _penalised(best_open, params).score


def _candidates(
    beams: list[Beam], rows: Tensor, params: SamplingParams, stop_ids: frozenset[int], *, keep: int
) -> list[tuple[int, Beam]]:
    """The best continuations by one token over all beams, best first, with the row each comes from."""
    scores = torch.log_softmax(rows.float(), dim=-1)  # B,vocabulary
    check_finite(float(scores.max()))
    if params.repetition_penalty != 1.0 or len(beams[0].ids) < params.min_new_tokens:
        scores = torch.stack([adjust(row, beam.ids, params, stop_ids) for row, beam in zip(scores, beams, strict=True)])
    scores = scores + torch.tensor([beam.score for beam in beams], device=scores.device)[:, None]
    best = scores.flatten().topk(min(keep, scores.numel()))
    found = []
    for score, index in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        row, token = divmod(index, rows.shape[-1])
        found.append((row, Beam((*beams[row].ids, token), score)))
    return found


def _penalised(beam: Beam, params: SamplingParams) -> Beam:
    return Beam(beam.ids, beam.score / len(beam.ids) ** params.length_penalty)
