"""The state of one answer: a function of its tokens, the best of what is allowed, endings that are valid and short."""

from __future__ import annotations

import json
import math
import random
import re

import pytest
import torch
from test_grammar_forms import RECEIPT
from tiny import KINDS, ONE, vlm

from internvl.engine.constraint import Constraint
from internvl.engine.ending import shortest_ending
from internvl.engine.form import Form
from internvl.engine.grammar import Grammar
from internvl.engine.grammar_text import hints_of
from internvl.engine.sampling import Sampler, SamplingParams, next_tokens
from internvl.errors import GrammarLimitError, NumericError


def grammar_of(params: SamplingParams, kind: str = ONE) -> Grammar:
    grammar = vlm(kind).engine.grammars.check(params, room=10_000)
    assert grammar is not None
    return grammar


def begin(kind: str = ONE, *, room: int = 500, **form: object) -> tuple[Sampler, Constraint]:
    params = SamplingParams.of(form)
    held = vlm(kind).engine.grammars.begin(params, room=room)
    assert held is not None
    return Sampler(params, vlm(kind).engine.stop_ids, held), held


def scores(seed: int, width: int = 720) -> torch.Tensor:
    return 3 * torch.randn(width, generator=torch.Generator().manual_seed(seed))


def allowed_by(held: Constraint, answer: list[int], width: int) -> set[int]:
    bias = held.bias(answer, width)
    assert set(bias.tolist()) <= {0.0, -math.inf}
    return set((bias == 0).nonzero().flatten().tolist())


def walk(sampler: Sampler, answer: list[int], steps: int) -> list[int]:
    answer = list(answer)
    for _ in range(steps):
        if answer and sampler.finished(answer):
            break
        answer.append(sampler.next(scores(len(answer)), answer))
    return answer


def test_a_greedy_choice_is_the_best_that_may_follow() -> None:
    sampler, held = begin(json_schema=RECEIPT)
    answer: list[int] = []
    for _ in range(40):
        row = scores(len(answer))
        allowed = {token for token in range(712) if held.accepts(answer, token)}
        # Where only one text is possible, the bias leaves the one token that the tokenizer itself would take.
        spelled = allowed_by(held, answer, 720)
        assert spelled <= allowed
        token, best = sampler.next(row, answer), int(row.argmax())
        assert token == (best if best in allowed else max(spelled, key=lambda each: float(row[each])))
        answer.append(token)


def test_the_state_goes_back_and_forth() -> None:
    """Drafts that are thrown away, and steps that are repeated, leave nothing behind."""
    dice = random.Random(1)
    sampler, held = begin(json_schema=RECEIPT, room=90)
    whole = walk(begin(json_schema=RECEIPT, room=90)[0], [], 200)
    assert len(whole) > 30
    for _ in range(60):
        cut = dice.randrange(len(whole))
        assert sampler.next(scores(cut), whole[:cut]) == whole[cut]
        strange = whole[:cut] + [whole[dice.randrange(len(whole))] for _ in range(3)]
        assert cut + sampler.allowed(whole[:cut], strange[cut:]) <= len(strange)
    assert walk(sampler, [], 200) == whole
    assert sampler.finished(whole) == "length"
    assert held.hurried
    sampler.next(scores(0), [])
    assert not held.hurried, "a new answer was not hurried yet"


def test_how_many_of_some_tokens_may_follow() -> None:
    sampler, _ = begin(choice=["abc", "abd!"])
    tokenizer = vlm().tokenizer
    ids = [tokenizer.token_id(each) for each in "abcd!"]
    a, b, c, d, end = ids
    assert sampler.allowed([], [a, b, d, end]) == 4
    assert sampler.allowed([], [a, c, b]) == 1
    assert sampler.allowed([a], [b, c, end]) == 2
    assert sampler.allowed([], []) == 0
    assert Sampler(SamplingParams(), frozenset()).allowed([], [1, 2]) == 2


def test_a_foreign_token_in_an_answer_is_an_error_and_the_next_call_begins_anew() -> None:
    sampler, _ = begin(choice=["abc"])
    wrong, right = (vlm().tokenizer.token_id(each) for each in "za")
    for _ in range(2):
        with pytest.raises(GrammarLimitError) as caught:
            sampler.next(scores(0), [wrong])
        assert isinstance(caught.value, NumericError), "whoever handles rows without a next token handles this one"
        assert sampler.finished([right]) is None


def test_broken_scores_are_told_before_a_grammar_is_asked() -> None:
    sampler, _ = begin(choice=["abc"])
    row = scores(0)
    row[5] = math.nan
    with pytest.raises(NumericError):
        next_tokens(row[None], [sampler], [[]])
    forbidden = torch.full((720,), -math.inf)
    forbidden[3] = 1.0
    with pytest.raises(NumericError):
        next_tokens(forbidden[None], [sampler], [[]])


@pytest.mark.parametrize("width", [600, 712, 1000])
def test_a_bias_is_as_wide_as_the_scores(width: int) -> None:
    _, held = begin(regex="[a-c]")
    assert held.bias([], width).shape == (width,)
    assert {vlm().tokenizer.token_bytes(id) for id in allowed_by(held, [], width)} == {b"a", b"b", b"c"}


@pytest.mark.parametrize("kind", KINDS)
def test_endings_complete_any_beginning(kind: str) -> None:
    text = json.dumps(
        {
            "store": "Café 12",
            "date": "2024-05",
            "items": [{"name": "Tea", "price": 3.5}, {"name": "水", "price": 0}],
            "paid": None,
            "currency": "人民币",
        },
        ensure_ascii=False,
    ).encode()
    grammar = grammar_of(SamplingParams(json_schema=RECEIPT), kind)
    for cut in range(len(text)):
        state = grammar.over_bytes.deep_copy()
        assert state.consume_tokens(list(text[:cut]))
        ending = shortest_ending(state, longest=500)
        assert ending is not None
        found = json.loads(text[:cut] + ending)
        assert found.keys() == set(RECEIPT["required"])
        ids = grammar.vocabulary.cut(ending)
        assert ids is not None
        assert len(ids) <= len(ending)


@pytest.mark.parametrize(
    ("expression", "longest"),
    [
        ("a+b", 2),
        ("[a-z]{30}[0-9]{10}", 40),
        ("(a|b)*a(a|b){5}", 6),
        ("(long ago|now)", 3),
        (r"[a-z0-9.]+@[a-z0-9.]+", 3),
        ("x*", 0),
        (".*total: [0-9]+", 9),
        ("[a-z]*(mouse|zebra)!", 6),
    ],
)
def test_endings_of_expressions_are_short(expression: str, longest: int) -> None:
    state = grammar_of(SamplingParams(regex=expression)).over_bytes
    ending = shortest_ending(state, longest=500, hints=hints_of(Form("regex", expression)), patience=200)
    assert ending is not None
    assert re.fullmatch(expression, ending.decode())
    assert len(ending) <= longest


def test_where_no_ending_is_found_the_answer_may_be_cut() -> None:
    """Free text and then one certain word: the search gives up, and the answer is cut as any other."""
    sampler, held = begin(regex="[a-z]*z[e]b[r]a", room=20)
    answer = walk(sampler, [], 20)
    assert len(answer) == 20
    assert not held.hurried
