"""Beam search: the most likely answer found by keeping several at a time.

Scores are sums of log-probabilities divided by length^length_penalty, the end token counted. The search ends when enough answers
are complete and no open one can still overtake the worst of them at its present length, the rule of the library the released
models used, so that both find the same answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from internvl.engine.sampling import SamplingParams, adjust
from internvl.models.internvl import InternVL
from internvl.models.language.cache import KVCache


@dataclass(frozen=True)
class Beam:
    """An answer so far and the sum of its log-probabilities."""

    ids: tuple[int, ...]
    score: float


def beam_search(
    model: InternVL, cache: KVCache, logits: Tensor, params: SamplingParams, stop_ids: frozenset[int], *, room: int
) -> list[int]:
    """The ids of the best answer, its end token included if it has one. `cache` holds the prompt, `logits` [vocabulary] follow it."""
    width = params.num_beams
    done: list[Beam] = []
    beams = [Beam((), 0.0)]
    rows = logits[None]
    for length in range(1, room + 1):
        candidates = _candidates(beams, rows, params, stop_ids, keep=2 * width)
        done += [_scored(beam, params, length) for _, beam in candidates[:width] if beam.ids[-1] in stop_ids]
        done = sorted(done, key=lambda beam: -beam.score)[:width]
        going = [(row, beam) for row, beam in candidates if beam.ids[-1] not in stop_ids][:width]
        if not going:
            return list(done[0].ids)
        beams = [beam for _, beam in going]
        if len(done) >= width and done[-1].score >= _scored(candidates[0][1], params, length).score:
            return list(done[0].ids)
        if length == room:
            break
        cache = cache.select([row for row, _ in going])
        ids = torch.tensor([beam.ids[-1] for beam in beams])[:, None]
        rows = model(ids, cache=cache)[:, -1]
    done += [_scored(beam, params, len(beam.ids)) for beam in beams if beam.ids]
    return list(max(done, key=lambda beam: beam.score).ids)


def _candidates(
    beams: list[Beam], rows: Tensor, params: SamplingParams, stop_ids: frozenset[int], *, keep: int
) -> list[tuple[int, Beam]]:
    """The best continuations by one token over all beams, best first, with the row each comes from."""
    scores = []
    for row, beam in enumerate(beams):
        logprobs = torch.log_softmax(rows[row].float(), dim=-1)
        scores.append(adjust(logprobs, list(beam.ids), params, stop_ids) + beam.score)
    flat = torch.cat(scores)
    best = flat.topk(min(keep, flat.numel()))
    vocabulary = rows.shape[-1]
    found = []
    for score, index in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        row, token = divmod(index, vocabulary)
        found.append((row, Beam((*beams[row].ids, token), score)))
    return found


def _scored(beam: Beam, params: SamplingParams, length: int) -> Beam:
    return Beam(beam.ids, beam.score / length**params.length_penalty)
