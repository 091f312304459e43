"""Log-probabilities of chosen tokens: what the model itself said, before temperature, penalties and cuts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TokenLogprob:
    """A token of an answer, its log-probability, and the most likely tokens in its place with theirs, best first."""

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()


def token_logprob(logits: Tensor, token: int, top: int) -> TokenLogprob:
    """From logits [vocabulary]; `top` is how many of the most likely tokens are told."""
    scores = torch.log_softmax(logits.float(), dim=-1)
    best = scores.topk(min(top, scores.shape[-1]))
    return TokenLogprob(token, float(scores[token]), tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True)))
