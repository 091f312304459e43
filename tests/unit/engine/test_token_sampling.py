"""Choosing tokens: each rule equals transformers' own on random scores; bad settings and broken scores are errors."""

from __future__ import annotations

import math

import pytest
import torch
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinNewTokensLengthLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from internvl.engine.sampling import Sampler, SamplingParams, adjust, filtered_probabilities, next_tokens
from internvl.errors import NumericError, SamplingError

VOCABULARY, STOP = 200, frozenset({3, 9})


def scores(seed: int, *, spread: float = 3.0) -> torch.Tensor:
    return spread * torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(1.0, 0, 1.0), (0.3, 0, 1.0), (1.0, 5, 1.0), (1.0, 1, 1.0), (1.0, 0, 0.9), (0.7, 50, 0.95), (1.5, 300, 0.01), (2.0, 10, 0.5)],
)
def test_probabilities_equal_transformers(seed: int, temperature: float, top_k: int, top_p: float) -> None:
    chain = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    if top_k:
        chain.append(TopKLogitsWarper(top_k))
    if top_p < 1:
        chain.append(TopPLogitsWarper(top_p))
    expected = chain(torch.zeros(1, 0, dtype=torch.long), scores(seed)[None])[0].softmax(-1)
    params = SamplingParams(temperature=temperature, top_k=top_k, top_p=top_p)
    torch.testing.assert_close(filtered_probabilities(scores(seed), params), expected)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("penalty", [0.7, 1.0, 1.1, 2.0])
def test_repetition_penalty_equals_transformers(seed: int, penalty: float) -> None:
    answer = torch.randint(VOCABULARY, (30,), generator=torch.Generator().manual_seed(seed)).tolist()
    expected = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([answer]), scores(seed)[None].clone())[0]
    params = SamplingParams(repetition_penalty=penalty)
    torch.testing.assert_close(adjust(scores(seed), answer, params, STOP), expected)


@pytest.mark.parametrize("written", [0, 4, 5, 6])
def test_minimal_length_equals_transformers(written: int) -> None:
    processor = MinNewTokensLengthLogitsProcessor(0, 5, sorted(STOP), device="cpu")
    expected = processor(torch.zeros(1, written, dtype=torch.long), scores(1)[None])[0]
    params = SamplingParams(min_new_tokens=5)
    assert torch.equal(adjust(scores(1), [0] * written, params, STOP), expected)


def test_greedy_takes_the_best_of_every_row() -> None:
    rows = torch.stack([scores(seed) for seed in range(5)])
    samplers = [Sampler(SamplingParams(), STOP) for _ in range(5)]
    assert next_tokens(rows, samplers, [[]] * 5) == rows.argmax(-1).tolist()


def test_rows_of_different_kinds_are_what_each_is_alone() -> None:
    kinds = [
        SamplingParams(),
        SamplingParams(temperature=1.0, seed=3),
        SamplingParams(repetition_penalty=5.0),
        SamplingParams(min_new_tokens=4),
        SamplingParams(temperature=0.5, top_k=3, seed=4),
    ]
    rows = torch.stack([scores(seed) for seed in range(5)])
    rows[3, 9] = 100.0  # an end token, forbidden there
    answers = [[int(rows[i].argmax())] for i in range(5)]
    together = next_tokens(rows, [Sampler(params, STOP) for params in kinds], answers)
    assert together == [Sampler(params, STOP).next(row, answer) for params, row, answer in zip(kinds, rows, answers, strict=True)]
    assert together[0] == answers[0][0]
    assert together[2] != answers[2][0]
    assert together[3] not in STOP


def test_a_seed_repeats_and_another_does_not() -> None:
    def run(seed: int | None) -> list[int]:
        sampler = Sampler(SamplingParams(temperature=2.0, seed=seed), STOP)
        return [sampler.next(scores(n), []) for n in range(30)]

    assert run(5) == run(5) != run(6)
    assert run(None) != run(None)


def test_a_tiny_temperature_is_greedy() -> None:
    params = SamplingParams(temperature=1e-30, seed=0)
    assert Sampler(params, STOP).next(1e4 * scores(0), []) == int(scores(0).argmax())


def test_sampling_follows_the_probabilities() -> None:
    params = SamplingParams(temperature=1.0, top_k=4, seed=11)
    expected = filtered_probabilities(scores(2, spread=1.0), params)
    sampler = Sampler(params, STOP)
    counts = torch.bincount(torch.tensor([sampler.next(scores(2, spread=1.0), []) for _ in range(3000)]), minlength=VOCABULARY)
    assert set(counts.nonzero().flatten().tolist()) == set(expected.nonzero().flatten().tolist())
    torch.testing.assert_close(counts / 3000, expected, atol=0.04, rtol=0)


@pytest.mark.parametrize("broken", [math.nan, math.inf])
@pytest.mark.parametrize("params", [SamplingParams(), SamplingParams(temperature=1.0), SamplingParams(repetition_penalty=2.0)])
def test_broken_scores_give_no_token(broken: float, params: SamplingParams) -> None:
    rows = torch.stack([scores(0), scores(1)])
    rows[1, 17] = broken
    with pytest.raises(NumericError, match="damaged"):
        next_tokens(rows, [Sampler(params, STOP)] * 2, [[], []])


def test_forbidden_tokens_are_no_broken_scores() -> None:
    row = scores(0)
    row[5] = -math.inf
    assert next_tokens(row[None], [Sampler(SamplingParams(), STOP)], [[]]) == [int(row.argmax())]


@pytest.mark.parametrize(
    "bad",
    [
        {"max_new_tokens": 0},
        {"max_new_tokens": 1.5},
        {"max_new_tokens": "9"},
        {"max_new_tokens": True},
        {"max_new_tokens": None},
        {"min_new_tokens": -1},
        {"min_new_tokens": 5, "max_new_tokens": 4},
        {"temperature": -0.1},
        {"temperature": math.nan},
        {"temperature": math.inf},
        {"temperature": "hot"},
        {"top_k": -1},
        {"top_k": 2.5},
        {"top_p": 0.0},
        {"top_p": 1.01},
        {"top_p": math.nan},
        {"repetition_penalty": 0.0},
        {"repetition_penalty": math.inf},
        {"seed": 2**64},
        {"seed": 1.0},
        {"seed": "one"},
        {"stop": ""},
        {"stop": [""]},
        {"stop": [3]},
        {"stop": 3},
        {"stop": None},
        {"num_beams": 0},
        {"num_beams": 65},
        {"num_beams": 2, "temperature": 0.5},
        {"length_penalty": math.nan},
        {"show_marks": "yes"},
        {"top_q": 1},
    ],
)
def test_bad_settings(bad: dict) -> None:
    with pytest.raises(SamplingError) as caught:
        SamplingParams.of(bad)
    assert next(reversed(bad)) in str(caught.value) or "num_beams" in bad


def test_good_settings_at_their_edges() -> None:
    SamplingParams(max_new_tokens=1, min_new_tokens=1, temperature=1e-9, top_k=10**9, top_p=1e-9, seed=-(2**63), num_beams=1)
    assert SamplingParams.of({"stop": "a"}).stop == ("a",)
    assert SamplingParams.of({"stop": ["a", "b"]}).stop == ("a", "b")
