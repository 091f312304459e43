"""What a scheduler promises: bounded memory, the same answers after a preemption, deadlines, and that nobody waits long for others."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from test_lookup import plainly
from test_scheduler import SAMPLED, alone, mixed, replies, request, run, same
from tiny import KINDS, fresh, picture, vlm

from internvl.engine.engine import Engine
from internvl.engine.reading import Reading
from internvl.engine.request import Reply, Request
from internvl.engine.scheduler import Event, Scheduler
from internvl.errors import ConfigError, DeadlineError, RequestTooLargeError
from internvl.models.language import cache

LONG = "Tell me a long story. "


class Clock:
    """Seconds that pass only where a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def stored_bytes(scheduler: Scheduler) -> int:
    """What really lies in caches, kept ones included."""
    held = [job.reading.cache for job in scheduler._jobs()] + [prefix.cache for prefix in scheduler._pool._kept]
    return sum(each.bytes for each in held)


def longest_wait(events_by_step: list[list[Event]], ticket: int) -> int:
    """The most steps in a row between two events of a request, from its first to its last."""
    heard = [n for n, events in enumerate(events_by_step) if any(event.ticket == ticket for event in events)]
    return max((later - earlier for earlier, later in pairwise(heard)), default=0)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_survive_giving_their_memory_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches grow by few tokens, and there is room for little more than the prompts: the younger ones start over again and again."""
    monkeypatch.setattr(cache, "GROWTH_TOKENS", 12)
    model = fresh(kind)
    asked = [
        request(model, f"{LONG * n} Why {n}?", max_new_tokens=50, min_new_tokens=45, seed=n, **more)
        for n, more in enumerate(({}, SAMPLED, {"logprobs": 1}))
    ]
    expected = [alone(model, each) for each in asked]
    most = sum(each.inputs.tokens * 9 // 8 + 12 for each in asked) + 10
    scheduler = Scheduler(model.engine, max_tokens=most, keep_tokens=0)
    tickets = [scheduler.submit(each) for each in asked]
    events: list[Event] = []
    while not scheduler.idle:
        events += scheduler.step()
        assert stored_bytes(scheduler) <= most * model.engine.token_bytes
    done = replies(events)
    assert all(same(done[ticket], wanted) for ticket, wanted in zip(tickets, expected, strict=True))
    assert done[tickets[0]].work.preemptions == 0, "the oldest is never put back"
    assert sum(reply.work.preemptions for reply in done.values()) > 0
    for ticket, wanted in zip(tickets, expected, strict=True):
        mine = [event for event in events if event.ticket == ticket]
        assert "".join(event.text for event in mine) == wanted.text
        assert tuple(token for event in mine for token in event.tokens) == wanted.ids
    told = done[tickets[2]].logprobs
    assert told is not None
    assert expected[2].logprobs is not None
    assert [each.logprob for each in told] == pytest.approx([each.logprob for each in expected[2].logprobs], abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_bytes_are_bounded_whatever_comes(seed: int) -> None:
    model, dice = fresh(), random.Random(seed)
    known = mixed("internvl2-qwen2")
    most = max(each.inputs.tokens + each.params.max_new_tokens for each, _ in known) + 150
    limit = most * model.engine.token_bytes
    scheduler = Scheduler(model.engine, max_bytes=limit, max_running=5, prefill_chunk=dice.choice((16, 64, 512)), keep_tokens=400)
    left, expected, events = dice.sample(known, len(known)), dict[int, Reply](), list[Event]()
    while left or not scheduler.idle:
        for _ in range(min(len(left), dice.choice((0, 1, 2)))):
            each, reply = left.pop()
            expected[scheduler.submit(each)] = reply
        if expected and dice.random() < 0.1:
            gone = dice.choice(sorted(expected))
            scheduler.cancel(gone)
            if gone not in replies(events):
                del expected[gone]
        events += scheduler.step()
        assert stored_bytes(scheduler) <= limit
    done = {ticket: reply for ticket, reply in replies(events).items() if ticket in expected}
    assert done.keys() == expected.keys()
    assert all(same(done[ticket], reply) for ticket, reply in expected.items())


def test_memory_is_free_at_once() -> None:
    model = vlm()
    scheduler = Scheduler(model.engine, keep_tokens=0)
    ticket = scheduler.submit(request(model, "Hello", max_new_tokens=200))
    scheduler.step()
    assert stored_bytes(scheduler) > 0
    scheduler.cancel(ticket)
    assert (stored_bytes(scheduler), scheduler.reserved_tokens, scheduler.idle) == (0, 0, True)


def test_what_does_not_fit_into_the_bytes_is_refused() -> None:
    model = vlm()
    asked = request(model, "Hello", max_new_tokens=9)
    need = asked.inputs.tokens + 9
    with pytest.raises(RequestTooLargeError, match=f"at most {need - 1} "):
        Scheduler(model.engine, max_bytes=need * model.engine.token_bytes - 1).submit(asked)
    scheduler = Scheduler(model.engine, max_bytes=need * model.engine.token_bytes)
    scheduler.submit(asked)
    assert same(replies(run(scheduler))[1], alone(model, asked))


def test_a_deadline_ends_a_request_wherever_it_is() -> None:
    model, clock = vlm(), Clock()
    scheduler = Scheduler(model.engine, max_running=2, prefill_chunk=20, clock=clock)
    stays = scheduler.submit(request(model, "Hi", max_new_tokens=12), timeout_s=100)
    while not scheduler.step():
        pass
    reading = scheduler.submit(request(model, LONG * 12), timeout_s=5)
    waiting = scheduler.submit(request(model, "Hey"), timeout_s=3)
    scheduler.step()
    assert (scheduler.running, scheduler.waiting) == (2, 1)
    clock.now = 3.0
    assert [event.ticket for event in scheduler.step() if event.error] == [waiting]
    clock.now = 5.0
    [late] = [event for event in scheduler.step() if event.error]
    assert late.ticket == reading
    assert isinstance(late.error, DeadlineError)
    assert list(replies(run(scheduler))) == [stays]


def test_a_long_prompt_keeps_no_short_one_waiting() -> None:
    model = vlm()
    scheduler = Scheduler(model.engine, prefill_chunk=32, keep_tokens=0)
    long = scheduler.submit(request(model, LONG * 60, max_new_tokens=2))
    scheduler.step()
    short = request(model, "Hi", max_new_tokens=1)
    ticket = scheduler.submit(short)
    steps = 0
    while not any(event.ticket == ticket for event in scheduler.step()):
        steps += 1
    assert steps <= -(-short.inputs.tokens // 16)
    assert long in scheduler._reading


def test_short_prompts_keep_no_long_one_waiting() -> None:
    """Short ones come without end; the long one has half of each step."""
    model = vlm()
    scheduler = Scheduler(model.engine, prefill_chunk=32, decode_share=0, keep_tokens=0)
    asked = request(model, LONG * 12, max_new_tokens=1)
    long = scheduler.submit(asked)
    done: dict[int, Reply] = {}
    for step in range(1, 1000):
        while scheduler.waiting < 3:
            scheduler.submit(request(model, f"Hi {step}", max_new_tokens=1))
        done |= replies(scheduler.step())
        if long in done:
            break
    assert step <= -(-asked.inputs.tokens // 16)
    assert len(done) > 1
    assert same(done[long], alone(model, asked))


def test_tokens_keep_coming_while_many_tiles_are_encoded() -> None:
    """One tile a step, in both orders of arrival with others: the running answer gets a token in each of them."""
    model = fresh()
    scheduler = Scheduler(model.engine, prefill_chunk=512, decode_share=0, keep_tokens=0)
    first = scheduler.submit(replace_params(request(model, "Hello"), max_new_tokens=200, lookup_tokens=0))
    scheduler.step()
    asked = request(model, picture(1), picture(0), "\nWhat is this?")
    second = scheduler.submit(asked)
    encoded = [model.engine.vision_cache.encoded]
    while True:
        events = scheduler.step()
        assert first in {event.ticket for event in events}
        encoded.append(model.engine.vision_cache.encoded)
        if second in {event.ticket for event in events}:
            break
    assert encoded[-1] == len(set(asked.inputs.tile_keys))
    assert max(after - before for before, after in pairwise(encoded)) == 1
    assert len(encoded) - 1 == encoded[-1], "the text is read with the last tile"


def test_a_lone_prompt_is_encoded_without_waiting() -> None:
    model = fresh()
    scheduler = Scheduler(model.engine, prefill_chunk=512)
    asked = request(model, picture(1), "\nWhat is this?", max_new_tokens=1)
    scheduler.submit(asked)
    assert len(replies(scheduler.step())) == 1
    assert model.engine.vision_cache.encoded == len(set(asked.inputs.tile_keys))


def test_a_small_picture_overtakes_a_large_one() -> None:
    """Tiles are shared as tokens are: every other tile is the newcomer's."""
    model = fresh()
    scheduler = Scheduler(model.engine, prefill_chunk=512, decode_share=0, keep_tokens=0)
    large = scheduler.submit(request(model, picture(1), picture(0), "\nWhat is this?"))
    small_asked = request(model, picture(3), "\nAnd this?", max_new_tokens=1)
    small = scheduler.submit(small_asked)
    events_by_step: list[list[Event]] = []
    while not any(event.ticket == small for events in events_by_step for event in events):
        events_by_step.append(scheduler.step())
    assert len(events_by_step) <= 2 * small_asked.inputs.tiles + 2
    assert large in scheduler._reading


def test_running_answers_have_their_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of a prompt takes 9 seconds here, a token 1: with a fifth of the time, answers get two tokens and a bit for each part."""
    model, clock = vlm(), Clock()
    scheduler = Scheduler(model.engine, prefill_chunk=16, decode_share=0.2, keep_tokens=0, clock=clock)
    read, step = Engine.read, Engine.step
    parts = [0]

    def slow_read(self: Engine, reading: Reading, tokens: int = 1 << 30, **more: int | None) -> int:
        clock.now += 9
        parts[0] += 1
        return read(self, reading, tokens, **more)

    def slow_step(self: Engine, readings: list[Reading]) -> list[str]:
        clock.now += 1
        return step(self, readings)

    monkeypatch.setattr(Engine, "read", slow_read)
    monkeypatch.setattr(Engine, "step", slow_step)
    first = scheduler.submit(replace_params(request(model, "Hello"), max_new_tokens=500, lookup_tokens=0))
    while not scheduler.step():
        pass
    parts[0] = 0
    second = scheduler.submit(request(model, LONG * 20, max_new_tokens=1))
    events_by_step: list[list[Event]] = []
    while not any(event.ticket == second for events in events_by_step for event in events):
        events_by_step.append(scheduler.step())
    tokens = sum(event.ticket == first for events in events_by_step for event in events)
    assert 2 * parts[0] <= tokens <= 3 * parts[0] + 3
    assert longest_wait(events_by_step, first) == 1


def test_a_picture_that_is_being_read_is_not_read_twice() -> None:
    """The second asks about the same picture while the first is read: it waits for what both begin with, and reads the rest."""
    model = fresh()
    scheduler = Scheduler(model.engine, prefill_chunk=40)
    asked = [request(model, picture(1), picture(0), f"\n{text}", max_new_tokens=4) for text in ("What is this?", "And what is that?")]
    tickets = [scheduler.submit(each) for each in asked]
    other = scheduler.submit(request(model, "Hi", max_new_tokens=4))
    events = run(scheduler)
    done = replies(events)
    shared = done[tickets[1]].usage.cached_tokens
    assert shared >= asked[0].inputs.visual_tokens
    assert [done[ticket].work.encoded_tiles for ticket in tickets] == [len(set(asked[0].inputs.tile_keys)), 0]
    assert all(same(done[ticket], alone(model, each)) for ticket, each in zip(tickets, asked, strict=True))
    assert next(event.ticket for event in events) == other, "whoever shares nothing passes by"


def test_a_kept_prefix_is_taken_over_where_a_copy_has_no_room() -> None:
    model = vlm()
    first = request(model, LONG * 10, "One?", max_new_tokens=3)
    second = request(model, LONG * 10, "Two or more?", max_new_tokens=3)
    need = max(each.inputs.tokens for each in (first, second)) + 3
    scheduler = Scheduler(model.engine, max_tokens=need + 20)
    tickets = []
    for asked in (first, second):
        tickets.append(scheduler.submit(asked))
        [reply] = replies(run(scheduler)).values()
        assert same(reply, alone(model, asked))
        assert scheduler.kept_tokens <= need + 20
    assert reply.usage.cached_tokens > first.inputs.tokens // 2


def test_random_mixtures_with_lookup_are_what_each_is_alone() -> None:
    model, dice = fresh(), random.Random(3)
    asked = []
    for number in range(12):
        parts = [picture(dice.choice((0, 3)))] if number % 3 == 0 else []
        text = dice.choice(("ab " * 9, LONG * 2, "x = 1; y = 2; x = 1; ", "Hello"))
        asked.append(
            request(model, *parts, text, max_new_tokens=dice.choice((5, 30, 60)), repetition_penalty=dice.choice((1.0, 1.0, 1.2)))
        )
    scheduler = Scheduler(model.engine, max_running=4, prefill_chunk=50, max_tokens=1500)
    tickets = [scheduler.submit(each) for each in asked]
    done = replies(run(scheduler))
    assert all(same(done[ticket], plainly(model, each)) for ticket, each in zip(tickets, asked, strict=True))
    assert sum(reply.work.agreed_tokens for reply in done.values()) > 0


@pytest.mark.parametrize("wrong", [{"encode_tiles": 0}, {"decode_share": 1.0}, {"decode_share": -0.1}])
def test_more_settings_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Scheduler(vlm().engine, **wrong)


def replace_params(asked: Request, **options: object) -> Request:
    return replace(asked, params=replace(asked.params, **options))
