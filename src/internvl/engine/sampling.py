"""From logits to the next token: greedy, temperature, top-k, top-p, repetition penalty, all reproducible from a seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from internvl.errors import NumericError, SamplingError

MAX_BEAMS = 64
MAX_LOGPROBS = 20


@dataclass(frozen=True, kw_only=True)
class SamplingParams:
    """How an answer is decoded.

    max_new_tokens: the longest answer, in tokens; min_new_tokens: how many come before it may end.
    temperature: 0 decodes greedily; above 0 samples. top_k: 0 keeps all. top_p: 1 keeps all.
    repetition_penalty: above 1 makes tokens that the answer already has less likely; the prompt is not counted, as in the released
    `chat`. seed: makes sampling repeatable; each request has a generator of its own, so a batch samples what its members would alone.
    stop: strings that end the answer; they are not part of it. num_beams: above 1 searches instead of sampling; length_penalty: above
    0 favours long answers in that search. show_marks: keep `<ref>`, `<box>` and their like in the text. logprobs: None tells none;
    a number tells each token's log-probability and those of that many of the most likely tokens.
    Raises SamplingError for a value out of its range.
    """

    max_new_tokens: int = 1024
    min_new_tokens: int = 0
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    num_beams: int = 1
    length_penalty: float = 1.0
    show_marks: bool = False
    logprobs: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_new_tokens", "min_new_tokens", "top_k", "num_beams"):
            _check(_whole(getattr(self, name)), f"{name} must be a whole number", getattr(self, name))
        for name in ("temperature", "top_p", "repetition_penalty", "length_penalty"):
            _check(_finite(getattr(self, name)), f"{name} must be a finite number", getattr(self, name))
        self._check_ranges()
        _check(self.seed is None or (_whole(self.seed) and -(2**63) <= self.seed < 2**64), "seed must fit in 64 bits", self.seed)
        strings = isinstance(self.stop, tuple) and all(isinstance(each, str) and each for each in self.stop)
        _check(strings, "stop must be a tuple of strings that are not empty", self.stop)
        _check(isinstance(self.show_marks, bool), "show_marks must be True or False", self.show_marks)

    def _check_ranges(self) -> None:
        shortest, longest = self.min_new_tokens, self.max_new_tokens
        _check(longest >= 1, "max_new_tokens must be 1 or more", longest)
        _check(0 <= shortest <= longest, f"min_new_tokens must lie in 0...max_new_tokens ({longest})", shortest)
        _check(self.temperature >= 0, "temperature must be 0 (greedy) or more", self.temperature)
        _check(self.top_k >= 0, "top_k must be 0 (all) or more", self.top_k)
        _check(0 < self.top_p <= 1, "top_p must lie in (0, 1]", self.top_p)
        _check(self.repetition_penalty > 0, "repetition_penalty must be above 0", self.repetition_penalty)
        _check(1 <= self.num_beams <= MAX_BEAMS, f"num_beams must lie in 1...{MAX_BEAMS}", self.num_beams)
        told = self.logprobs is None or (_whole(self.logprobs) and 0 <= self.logprobs <= MAX_LOGPROBS)
        _check(told, f"logprobs must be None or lie in 0...{MAX_LOGPROBS}", self.logprobs)
        _check(self.num_beams == 1 or self.logprobs is None, "beam search tells no logprobs", self.logprobs)
        _check(self.num_beams == 1 or self.greedy, "beam search needs temperature 0", self.temperature)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> SamplingParams:
        """From keyword arguments; SamplingError names an unknown one. One stop string, or a list of them, is accepted."""
        known = cls.__dataclass_fields__
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise SamplingError(f"unknown option {unknown[0]!r}; known are {', '.join(known)}")
        stop = options.get("stop", ())
        _check(isinstance(stop, str | Sequence), "stop must be a string or a list of strings", stop)
        return cls(**{**options, "stop": (stop,) if isinstance(stop, str) else tuple(stop)})

    @property
    def greedy(self) -> bool:
        """Whether the most likely token is always taken."""
        return self.temperature == 0


class Sampler:
    """Chooses the tokens of one answer."""

    def __init__(self, params: SamplingParams, stop_ids: frozenset[int]) -> None:
        self.params = params
        self.stop_ids = stop_ids
        self._generator: torch.Generator | None = None

    def takes_best(self, answer: Sequence[int]) -> bool:
        """Whether the next token is simply the most likely one."""
        return self.params.greedy and self.params.repetition_penalty == 1.0 and len(answer) >= self.params.min_new_tokens

    def next(self, logits: Tensor, answer: Sequence[int]) -> int:
        """The next token from logits [vocabulary], given the answer so far."""
        scores = adjust(logits, answer, self.params, self.stop_ids)
        if self.params.greedy:
            return int(scores.argmax())
        probabilities = filtered_probabilities(scores, self.params)
        return int(torch.multinomial(probabilities, 1, generator=self._seeded(logits.device)))

    def _seeded(self, device: torch.device) -> torch.Generator:
        if self._generator is None:
            self._generator = torch.Generator(device)
            if self.params.seed is None:
                self._generator.seed()
            else:
                self._generator.manual_seed(self.params.seed)
        return self._generator


def next_tokens(logits: Tensor, samplers: Sequence[Sampler], answers: Sequence[Sequence[int]]) -> list[int]:
    """The next token of every row of logits [B,vocabulary]; all greedy rows in one call.

    Raises NumericError when a row has no finite maximum: whatever token came out would mean nothing.
    """
    best = logits.max(dim=-1)
    # Both in one transfer from the device; float64 holds every id exactly.
    values, tokens = torch.stack([best.values.double(), best.indices.double()]).tolist()
    for value in values:
        check_finite(value)
    return [
        int(token) if sampler.takes_best(answer) else sampler.next(row, answer)
        for token, sampler, row, answer in zip(tokens, samplers, logits, answers, strict=True)
    ]


def check_finite(best: float) -> None:
    """Raise NumericError unless the best score is a finite number; NaN anywhere in a row makes its maximum NaN."""
    if not math.isfinite(best):
        raise NumericError(
            f"the model's best score is {best}, so no token means anything; weights may be damaged, or float16 overflowed: "
            "load with dtype='bfloat16' or 'float32', and check the files with `internvl show`"
        )


def adjust(logits: Tensor, answer: Sequence[int], params: SamplingParams, stop_ids: frozenset[int]) -> Tensor:
    """Logits [vocabulary] after the repetition penalty and the minimal length, in float32."""
    scores = logits.float()
    if params.repetition_penalty != 1.0 and answer:
        # Repeats in `seen` write the same number twice.
        seen = torch.tensor(answer, device=scores.device)
        old = scores[seen]
        penalised = torch.where(old < 0, old * params.repetition_penalty, old / params.repetition_penalty)
        scores = scores.scatter(0, seen, penalised)
    if len(answer) < params.min_new_tokens and stop_ids:
        scores = scores.index_fill(0, torch.tensor(sorted(stop_ids), device=scores.device), -math.inf)
    return scores


def filtered_probabilities(scores: Tensor, params: SamplingParams) -> Tensor:
    """Probabilities [vocabulary] after temperature, top-k and top-p, in this order; what is cut has probability 0."""
    # The best score becomes 0 first, so that a tiny temperature can't overflow.
    scores = (scores - scores.max()) / params.temperature
    if 0 < params.top_k < scores.shape[-1]:
        least = scores.topk(params.top_k).values[-1]
        scores = scores.masked_fill(scores < least, -math.inf)
    if params.top_p < 1.0:
        ordered, order = scores.sort(descending=True)
        probabilities = ordered.softmax(-1)
        # A token stays if those more likely than it hold less than top_p; the most likely one always does.
        beyond = probabilities.cumsum(-1) - probabilities >= params.top_p
        beyond[0] = False
        scores = scores.masked_fill(torch.zeros_like(beyond).scatter(0, order, beyond), -math.inf)
    return scores.softmax(-1)


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _check(good: bool, rule: str, value: object) -> None:
    if not good:
        raise SamplingError(f"{rule}, not {value!r}")
