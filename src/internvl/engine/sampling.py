"""From logits to the next token: greedy, temperature, top-k, top-p, repetition penalty, all reproducible from a seed.

An answer that has a form (`engine.form`) gets only tokens that its grammar allows: they are left out before temperature and cuts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from internvl.engine.constraint import Constraint
from internvl.engine.form import Form, form_of, schema_text
from internvl.errors import NumericError, SamplingError

if TYPE_CHECKING:
    from internvl.engine.request import FinishReason

MAX_BEAMS = 64
MAX_LOGPROBS = 20
MAX_LOOKUP_TOKENS = 64


@dataclass(frozen=True, kw_only=True)
class SamplingParams:
    """How an answer is decoded.

    max_new_tokens: the longest answer, in tokens; min_new_tokens: how many come before it may end.
    temperature: 0 decodes greedily; above 0 samples. top_k: 0 keeps all. top_p: 1 keeps all.
    repetition_penalty: above 1 makes tokens that the answer already has less likely; the prompt is not counted, as in the released
    `chat`. seed: makes sampling repeatable; each request has a generator of its own, so a batch samples what its members would alone.
    stop: strings that end the answer; they are not part of it. num_beams: above 1 searches instead of sampling; length_penalty: above
    0 favours long answers in that search. show_marks: keep `<ref>`, `<box>` and their like in the text. logprobs: None tells none;
    a number tells each token's log-probability and those of that many of the most likely tokens. lookup_tokens: how many tokens may be
    guessed at a time from text that repeats, 0 for none, None to leave it to the engine; it changes speed only.
    json_schema (a dict, JSON text, or a pydantic model), regex, choice: the form the answer is held to, one of them. It needs the extra
    `grammar`, leaves no place to stop strings and beams, and comes before min_new_tokens where the two disagree.
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
    lookup_tokens: int | None = None
    json_schema: str | Mapping[str, Any] | bool | type | None = None
    regex: str | None = None
    choice: tuple[str, ...] = ()

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
        self._check_form()

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
        most = self.lookup_tokens is None or (_whole(self.lookup_tokens) and 0 <= self.lookup_tokens <= MAX_LOOKUP_TOKENS)
        _check(most, f"lookup_tokens must be None or lie in 0...{MAX_LOOKUP_TOKENS}", self.lookup_tokens)

    def _check_form(self) -> None:
        if self.json_schema is not None:
            # As text it can be compared and kept: equal schemas share a grammar.
            object.__setattr__(self, "json_schema", schema_text(self.json_schema))
        _check(self.regex is None or isinstance(self.regex, str), "regex must be a string", self.regex)
        texts = isinstance(self.choice, tuple) and all(isinstance(each, str) and each for each in self.choice)
        _check(texts, "choice must be a tuple of strings that are not empty", self.choice)
        if self.form is not None:
            _check(self.num_beams == 1, f"beam search can't hold an answer to a {self.form.kind}; use num_beams=1, not", self.num_beams)
            _check(not self.stop, f"stop strings would cut a text of this {self.form.kind}; leave them out", self.stop)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> SamplingParams:
        """From keyword arguments; SamplingError names an unknown one. One stop string, or a list of them, is accepted."""
        known = cls.__dataclass_fields__
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise SamplingError(f"unknown option {unknown[0]!r}; known are {', '.join(known)}")
        texts = {}
        for name in ("stop", "choice"):
            given = options.get(name, ())
            _check(isinstance(given, str | Sequence), f"{name} must be a string or a list of strings", given)
            texts[name] = (given,) if isinstance(given, str) else tuple(given)
        return cls(**{**options, **texts})

    @cached_property
    def form(self) -> Form | None:
        """What the answer is held to, if anything. Raises GrammarError for two forms at once."""
        schema = self.json_schema
        return form_of(schema if isinstance(schema, str) else None, self.regex, self.choice)

    @property
    def greedy(self) -> bool:
        """Whether the most likely token is always taken."""
        return self.temperature == 0


class Sampler:
    """Chooses the tokens of one answer. `constraint`: what holds it to a form."""

    def __init__(self, params: SamplingParams, stop_ids: frozenset[int], constraint: Constraint | None = None) -> None:
        self.params = params
        self.stop_ids = stop_ids
        self.constraint = constraint
        self._generator: torch.Generator | None = None

    def takes_best(self, answer: Sequence[int]) -> bool:
        """Whether the next token is simply the most likely one."""
        params = self.params
        free = params.temperature == 0 and params.repetition_penalty == 1.0 and self.constraint is None
        return free and len(answer) >= params.min_new_tokens

    def next(self, logits: Tensor, answer: Sequence[int]) -> int:
        """The next token from logits [vocabulary], given the answer so far."""
        scores = adjust(logits, answer, self.params, self.stop_ids)
        if self.constraint is None:
            return self._chosen(scores)
        return self.constraint.in_time(answer, self._held(self.constraint, scores, logits, answer))

    def allowed(self, answer: Sequence[int], tokens: Sequence[int]) -> int:
        """How many of some tokens, one after the other, may follow the answer."""
        return len(tokens) if self.constraint is None else self.constraint.allowed(answer, tokens)

    def finished(self, answer: Sequence[int]) -> FinishReason | None:
        """Whether the answer is complete: its last token ends it, or its form has no more. 'length' where it was cut short for that."""
        held = self.constraint
        if answer[-1] not in self.stop_ids and (held is None or not held.complete(answer)):
            return None
        return "length" if held is not None and held.hurried else "stop"

    def _chosen(self, scores: Tensor) -> int:
        if self.params.greedy:
            return _best(scores[None])[1][0]
        probabilities = filtered_probabilities(scores, self.params)
        return int(torch.multinomial(probabilities, 1, generator=self._seeded(scores.device)))

    def _held(self, held: Constraint, scores: Tensor, logits: Tensor, answer: Sequence[int]) -> int:
        """The choice among what the grammar allows. Where it allows nothing but the end, a minimal length has no say."""
        if self.params.greedy:
            # Most often the best token fits: then the others need not be known.
            best = _best(scores[None])[1][0]
            if held.accepts(answer, best):
                return best
        bias = held.bias(answer, scores.shape[-1]).to(scores.device)
        possible = scores + bias
        if not math.isfinite(float(possible.max())):
            possible = adjust(logits, answer, replace(self.params, min_new_tokens=0), self.stop_ids) + bias
            check_finite(float(possible.max()))
        return self._chosen(possible)

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
    values, tokens = _best(logits)
    for value in values:
        check_finite(value)
    return [
        token if sampler.takes_best(answer) else sampler.next(row, answer)
        for token, sampler, row, answer in zip(tokens, samplers, logits, answers, strict=True)
    ]


def _best(scores: Tensor) -> tuple[list[float], list[int]]:
    """The best score of each row of [B,vocabulary] and its token, the first of equal ones; NaN counts as best."""
    if scores.device.type == "cpu":
        # numpy looks for the place of a maximum several times as fast as torch does.
        rows = scores.detach().float().numpy()
        places = rows.argmax(axis=-1)
        return rows[range(len(rows)), places].tolist(), places.tolist()
    best = scores.max(dim=-1)
    # Both in one transfer from the device; float64 holds every id exactly.
    values, tokens = torch.stack([best.values.double(), best.indices.double()]).tolist()
    return values, [int(token) for token in tokens]


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
