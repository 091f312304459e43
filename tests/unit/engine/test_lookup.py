"""Guessing by look-up: what is guessed, when it is given up, and that no guess, right or wrong, changes an answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from test_limits import limited
from test_scheduler import damaged, replies, run, same
from tiny import KINDS, conversation, fresh, picture, vlm

from internvl.engine.engine import Engine
from internvl.engine.lookup import Lookup
from internvl.engine.request import Reply, Request
from internvl.engine.sampling import SamplingParams
from internvl.engine.scheduler import Scheduler
from internvl.engine.vlm import VLM
from internvl.errors import NumericError
from internvl.models.language.rows import Rows

STORY = "the cat counts one, two, three; the dog counts one, two, three; "


class Prompter(Lookup):
    """Guesses the first tokens of a known answer, `right` of them, and then wrong ones."""

    def __init__(self, known: Sequence[int], right: int, wrong: int) -> None:
        super().__init__([], most=right + wrong)
        self.known, self.right, self.wrong = list(known), right, wrong

    def guess(self, answer: Sequence[int], room: int) -> list[int]:
        told = self.known[len(answer) : len(answer) + self.right]
        other = [token + 1 for token in self.known[len(answer) + self.right :][: self.wrong]]
        return (told + other)[:room]


def request(model: VLM, text: str, **options: object) -> Request:
    return Request(model.processor.prepare(conversation(text)), SamplingParams.of({"max_new_tokens": 24, **options}))


def plainly(model: VLM, asked: Request) -> Reply:
    """The answer token by token."""
    return model.engine.generate([replace(asked, params=replace(asked.params, lookup_tokens=0))])[0]


def prompted(model: VLM, asked: Request, right: int, wrong: int, *, known: Sequence[int]) -> Reply:
    reading = model.engine.begin(asked)
    reading.answer.lookup = Prompter(known, right, wrong)
    model.engine.read(reading)
    model.engine.first(reading)
    while not reading.finished:
        model.engine.step([reading])
        assert reading.cache.length == reading.goal
    return reading.answer.reply()


def test_what_followed_is_guessed() -> None:
    lookup = Lookup([1, 2, 3, 4, 5, 6, 7, 8, 9], most=4)
    assert lookup.guess([1], 9) == []
    assert lookup.guess([1, 2], 9) == [], "two tokens are not enough at first"
    assert lookup.guess([1, 2, 3], 9) == [4, 5, 6]
    assert lookup.guess([1, 2, 3, 4, 5], 9) == [6, 7, 8, 9]
    assert lookup.guess([1, 2, 3, 4, 5], 2) == [6, 7]
    assert lookup.guess([1, 2, 3, 4, 5], 0) == []


def test_what_repeats_itself_goes_on_and_on() -> None:
    assert Lookup([5], most=5).guess([7, 8, 7, 8, 7, 8], 9) == [7, 8, 7, 8]
    assert Lookup([], most=5).guess([3, 3, 3, 3, 3, 3], 9) == [3, 3, 3, 3, 3]


def test_the_latest_place_counts() -> None:
    assert Lookup([1, 2, 3, 4, 0, 1, 2, 3, 9, 0], most=3).guess([1, 2, 3], 9)[0] == 9


def test_short_beginnings() -> None:
    assert Lookup([], most=8).guess([], 9) == []
    assert Lookup([4], most=8).guess([4], 9) == []


def test_guesses_that_fail_become_rare() -> None:
    """Half the words of a random text are common: pairs repeat all the time, and what follows them does not."""
    dice = random.Random(0)
    words = [dice.choice((1, 2, 3, dice.randrange(4, 40))) for _ in range(3000)]
    lookup, wasted = Lookup([], most=8), []
    for end in range(3, len(words) - 9):
        guess = lookup.guess(words[:end], 99)
        agreed = next((n for n, token in enumerate(guess) if token != words[end + n]), len(guess))
        if guess:
            lookup.learn(len(guess), agreed)
        wasted.append(len(guess) - agreed)
    assert sum(wasted[:300]) > 0
    assert sum(wasted[1500:]) < 0.02 * len(wasted[1500:])


def test_success_makes_it_bolder_again() -> None:
    lookup = Lookup(range(100), most=8)
    for _ in range(20):
        lookup.learn(8, 0)
    assert lookup.guess(range(10), 9) == []
    assert len(lookup.guess(range(20), 9)) == 8
    for _ in range(20):
        lookup.learn(8, 8)
    answer = [*range(20), 50, 51]
    assert lookup.guess(answer, 9) == [52, 53, 54]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("right", "wrong"), [(0, 1), (0, 5), (1, 0), (3, 0), (2, 2), (7, 1), (40, 3)])
def test_no_guess_changes_an_answer(kind: str, right: int, wrong: int) -> None:
    model = vlm(kind)
    for options in ({}, {"repetition_penalty": 1.3}, {"min_new_tokens": 20}, {"logprobs": 2}, {"temperature": 0.9, "seed": 5}):
        asked = request(model, "Hello", **options)
        expected = plainly(model, asked)
        got = prompted(model, asked, right, wrong, known=expected.ids)
        assert same(got, expected)
        assert got.work.agreed_tokens <= got.work.guessed_tokens
        assert (got.work.agreed_tokens > 0) == (right > 0)
        if expected.logprobs is not None and got.logprobs is not None:
            assert [each.token for each in got.logprobs] == list(expected.ids)
            for one, other in zip(got.logprobs, expected.logprobs, strict=True):
                assert one.logprob == pytest.approx(other.logprob, abs=1e-4)


def test_an_answer_ends_inside_a_guess() -> None:
    model = vlm()
    free = plainly(model, request(model, "Hello"))
    for longest in (1, 2, 5, 9):
        assert prompted(model, request(model, "Hello", max_new_tokens=longest), 30, 0, known=free.ids).ids == free.ids[:longest]
    stopped = request(model, "Hello", stop=free.text[5:8])
    expected = plainly(model, stopped)
    assert same(prompted(model, stopped, 30, 0, known=free.ids), expected)
    assert len(expected.ids) < len(free.ids)
    ending = Engine(model.model, model.tokenizer, stop_ids=frozenset({free.ids[6]}))
    reading = ending.begin(request(model, "Hello"))
    reading.answer.lookup = Prompter(free.ids, 30, 0)
    ending.read(reading)
    ending.first(reading)
    while not reading.finished:
        ending.step([reading])
    assert (tuple(reading.answer.ids), reading.answer.finish_reason) == (free.ids[: free.ids.index(free.ids[6]) + 1], "stop")
    assert reading.cache.length == reading.goal


@pytest.mark.parametrize("kind", ["internvl2-internlm2", "internvl2-phi3"])
def test_guesses_across_a_change_of_angles(kind: str) -> None:
    """Angles change at 110 tokens: each token of a guess must turn by those of its own length."""
    model = limited(kind)
    asked = request(model, "Tell me a story", max_new_tokens=60)
    assert asked.inputs.tokens < 105
    assert asked.inputs.tokens + 60 > 130
    expected = plainly(model, asked)
    for right, wrong in ((3, 2), (50, 0)):
        assert same(prompted(model, asked, right, wrong, known=expected.ids), expected)


def test_a_batch_of_guessers_and_others() -> None:
    model = fresh()
    texts = (STORY * 2, "Hello", STORY + "Again: ", "Hi")
    asked = [request(model, text, max_new_tokens=30 + 5 * n, seed=n, temperature=float(n == 3)) for n, text in enumerate(texts)]
    expected = [plainly(model, each) for each in asked]
    together = model.engine.generate(asked)
    assert all(same(got, wanted) for got, wanted in zip(together, expected, strict=True))
    assert sum(reply.work.agreed_tokens for reply in together) > 0
    assert together[3].work.guessed_tokens == 0, "whoever samples is not guessed for"
    scheduler = Scheduler(model.engine)
    tickets = [scheduler.submit(each) for each in asked]
    events = run(scheduler)
    done = replies(events)
    assert all(same(done[ticket], wanted) for ticket, wanted in zip(tickets, expected, strict=True))
    assert any(len(event.tokens) > 1 for event in events)
    for ticket, wanted in zip(tickets, expected, strict=True):
        assert tuple(token for event in events if event.ticket == ticket for token in event.tokens) == wanted.ids


def test_fewer_steps_where_text_repeats() -> None:
    model, steps = vlm(), []
    runner = model.engine.runner
    engine = Engine(model.model, model.tokenizer, stop_ids=model.engine.stop_ids)

    class Counting:
        encode, read = runner.encode, runner.read

        def decode(self, tokens: Sequence[Sequence[int]], caches: Sequence[object]) -> torch.Tensor:
            steps.append(len(tokens[0]))
            return runner.decode(tokens, caches)

    engine.runner = Counting()
    asked = request(model, "Hello", max_new_tokens=200)
    reply = engine.generate([asked])[0]
    assert sum(steps) >= 199
    assert len(steps) == 199 - reply.work.agreed_tokens < 199
    assert reply.work.guessed_tokens == sum(steps) - len(steps)


def test_beams_are_not_guessed_for() -> None:
    reply = vlm().answer(conversation(picture(3), STORY), num_beams=2, max_new_tokens=8)
    assert reply.work.guessed_tokens == 0


def test_a_guess_with_no_next_token_behind_it_fails_where_it_would_have() -> None:
    """A token whose embedding is not a number was guessed: what comes before it is kept, and the error comes at its own step."""
    model = vlm()
    asked = request(model, "Hello", max_new_tokens=12)
    known = plainly(model, asked).ids
    prompt = set(asked.inputs.ids.tolist())
    place = next(n for n, token in enumerate(known) if n > 2 and token not in prompt and token not in known[:n])
    broken = damaged(known[place])
    reading = broken.engine.begin(asked)
    reading.answer.lookup = Prompter(known, 11, 0)
    broken.engine.read(reading)
    broken.engine.first(reading)
    while len(reading.answer.ids) <= place:
        broken.engine.step([reading])
    with pytest.raises(NumericError):
        broken.engine.step([reading])
    assert tuple(reading.answer.ids) == known[: place + 1]
    assert reading.cache.length == reading.goal


@torch.inference_mode()
@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_several_tokens_are_what_each_token_is_alone(kind: str) -> None:
    model = vlm(kind).model
    ids = torch.randint(0, 200, (3, 20), generator=torch.Generator().manual_seed(0))
    caches, counts = [model.new_cache() for _ in range(3)], (1, 4, 2)
    for row, cache in enumerate(caches):
        model(ids[row : row + 1, : 5 + row], cache=cache)
    alone = [cache.copy(20) for cache in caches]
    news = [ids[row, 5 + row : 5 + row + count] for row, count in enumerate(counts)]
    together = model(torch.cat(news)[None], cache=Rows(caches, counts))[0]
    one_by_one = [model(token.view(1, 1), cache=cache)[0, 0] for new, cache in zip(news, alone, strict=True) for token in new]
    torch.testing.assert_close(together, torch.stack(one_by_one), atol=1e-5, rtol=1e-4)
    assert [cache.length for cache in caches] == [6, 10, 9]
    with pytest.raises(ValueError, match="7 tokens, not 6"):
        Rows(caches, counts).plan(6, torch.device("cpu"))
