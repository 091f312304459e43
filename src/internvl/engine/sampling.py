"""From logits to the next token: greedy, temperature, top-k, top-p, repetition penalty, all reproducible from a seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from internvl.errors import SamplingError


@dataclass(frozen=True, kw_only=True)
class SamplingParams:
    """How an answer is decoded.

    temperature: 0 decodes greedily; above 0 samples. top_k: 0 keeps all. top_p: 1 keeps all.
    repetition_penalty: above 1 makes tokens that the answer already has less likely; the prompt is not counted, as in the released
    `chat`. seed: makes sampling repeatable; each request has a generator of its own, so a batch samples what its members would alone.
    stop: strings that end the answer; they are not part of it. num_beams: above 1 searches instead of sampling.
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
    show_marks: bool = False  # keep <ref>, <box> and their like in the text

    def __post_init__(self) -> None:
        _check(self.max_new_tokens >= 1, "max_new_tokens must be 1 or more", self.max_new_tokens)
        _check(
            0 <= self.min_new_tokens <= self.max_new_tokens,
            "min_new_tokens must lie in 0...max_new_tokens",
            self.min_new_tokens,
        )
        _check(_finite(self.temperature) and self.temperature >= 0, "temperature must be 0 or more", self.temperature)
        _check(self.top_k >= 0, "top_k must be 0 (all) or more", self.top_k)
        _check(_finite(self.top_p) and 0 < self.top_p <= 1, "top_p must lie in (0, 1]", self.top_p)
        _check(
            _finite(self.repetition_penalty) and self.repetition_penalty > 0,
            "repetition_penalty must be above 0",
            self.repetition_penalty,
        )
        _check(self.seed is None or -(2**63) <= self.seed < 2**64, "seed must fit in 64 bits", self.seed)
        _check(1 <= self.num_beams <= 64, "num_beams must lie in 1...64", self.num_beams)
        _check(_finite(self.length_penalty), "length_penalty must be finite", self.length_penalty)
        _check(
            isinstance(self.stop, tuple) and all(isinstance(s, str) and s for s in self.stop),
            "stop must be a tuple of strings",
            self.stop,
        )
        _check(self.num_beams == 1 or self.temperature == 0, "beam search needs temperature 0", self.temperature)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> SamplingParams:
        """From keyword arguments; SamplingError names an unknown one. One stop string, or a list of them, is accepted."""
        known = cls.__dataclass_fields__
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise SamplingError(f"unknown option {unknown[0]!r}; known are {', '.join(known)}")
        stop = options.get("stop", ())
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
        self.generator: torch.Generator | None = None

    def next(self, logits: Tensor, answer: list[int]) -> int:
        """The next token from logits [vocabulary], given the answer so far."""
        scores = adjust(logits, answer, self.params, self.stop_ids)
        if self.params.greedy:
            return int(scores.argmax())
        probabilities = filtered_probabilities(scores, self.params)
        return int(torch.multinomial(probabilities, 1, generator=self._generator(logits.device)))

    def _generator(self, device: torch.device) -> torch.Generator:
        if self.generator is None:
            self.generator = torch.Generator(device)
            if self.params.seed is None:
                self.generator.seed()
            else:
                self.generator.manual_seed(self.params.seed)
        return self.generator


def adjust(logits: Tensor, answer: list[int], params: SamplingParams, stop_ids: frozenset[int]) -> Tensor:
    """Logits [vocabulary] after the repetition penalty and the minimal length, in float32."""
    scores = logits.float()
    if params.repetition_penalty != 1.0 and answer:
        seen = torch.tensor(sorted(set(answer)), device=scores.device)
        old = scores[seen]
        penalised = torch.where(old < 0, old * params.repetition_penalty, old / params.repetition_penalty)
        scores = scores.scatter(0, seen, penalised)
    if len(answer) < params.min_new_tokens:
        scores = scores.index_fill(0, torch.tensor(sorted(stop_ids), device=scores.device), -math.inf)
    return scores


def filtered_probabilities(scores: Tensor, params: SamplingParams) -> Tensor:
    """Probabilities [vocabulary] after temperature, top-k and top-p; what is cut has probability 0."""
    scores = scores / params.temperature
    if 0 < params.top_k < scores.shape[-1]:
        least = scores.topk(params.top_k).values[-1]
        scores = scores.masked_fill(scores < least, -math.inf)
    if params.top_p < 1.0:
        ordered, order = scores.sort(descending=True)
        probabilities = ordered.softmax(-1)
        # A token stays if those more likely than it hold less than top_p; the most likely one always does.
        beyond = probabilities.cumsum(-1) - probabilities >= params.top_p
        scores = scores.masked_fill(torch.zeros_like(beyond).scatter(0, order, beyond), -math.inf)
    return scores.softmax(-1)


def _finite(value: float) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _check(good: bool, rule: str, value: object) -> None:
    if not good:
        raise SamplingError(f"{rule}, not {value!r}")
