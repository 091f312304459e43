"""Continuous batching: each request gets the answer it gets alone, whoever joins, leaves or waits beside it; limits hold."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest
import torch
from test_limits import limited, shortened
from tiny import KINDS, ONE, conversation, fresh, picture, vlm

import internvl
from internvl import Image
from internvl.checkpoint.hub import embedded_models
from internvl.engine.engine import Engine
from internvl.engine.request import Reply, Request
from internvl.engine.sampling import SamplingParams
from internvl.engine.scheduler import Event, Scheduler
from internvl.engine.vlm import VLM
from internvl.errors import ConfigError, ContextLengthError, NumericError, QueueFullError, RequestTooLargeError, SamplingError
from internvl.messages import assistant, user
from internvl.models.build import meta_model
from internvl.models.internvl import InternVL

SAMPLED = {"temperature": 0.9, "top_k": 40, "top_p": 0.9, "repetition_penalty": 1.1}
QUESTIONS = (
    ("Hello",),
    (picture(0), "\nWhat is this?"),
    (picture(0), "\nWhat is that?"),
    (picture(1), "\nand\n", picture(3), "\nCompare."),
    ("Tell me a story about a cat that can count to ten, and then to twelve.",),
    ("Tell me a story about a cat that can count to nine.",),
)


def request(model: VLM, *parts: str | Image, **options: object) -> Request:
    return Request(model.processor.prepare(conversation(*parts)), SamplingParams.of({"max_new_tokens": 8, **options}))


def alone(model: VLM, asked: Request) -> Reply:
    return model.engine.generate([asked])[0]


def run(scheduler: Scheduler, *, steps: int = 1000) -> list[Event]:
    events: list[Event] = []
    while not scheduler.idle:
        steps -= 1
        assert steps > 0, "it never ends"
        events += scheduler.step()
    return events


def replies(events: list[Event]) -> dict[int, Reply]:
    return {event.ticket: event.reply for event in events if event.reply is not None}


def same(got: Reply, expected: Reply) -> bool:
    return (got.ids, got.text, got.finish_reason) == (expected.ids, expected.text, expected.finish_reason)


@cache
def mixed(kind: str) -> list[tuple[Request, Reply]]:
    """Requests of all sorts, and what each is answered alone."""
    model, asked = vlm(kind), []
    for number, parts in enumerate(QUESTIONS):
        plain = request(model, *parts, max_new_tokens=2 + 2 * number)
        text = alone(model, plain).text
        options = {"seed": number, **SAMPLED} if number % 2 else {"stop": text[1:3] or "a"}
        asked += [plain, request(model, *parts, **options)]
    return [(each, alone(model, each)) for each in asked]


def storm(model: VLM, asked: list[tuple[Request, Reply]], seed: int, **options: int) -> int:
    """Requests arrive at random moments and some are cancelled; whoever is not gets its own answer. -> tokens found in caches"""
    dice = random.Random(seed)
    scheduler = Scheduler(model.engine, **options)
    left = dice.sample(asked, len(asked))
    expected: dict[int, Reply] = {}
    events: list[Event] = []
    while left or not scheduler.idle:
        for _ in range(min(len(left), dice.choice((0, 0, 1, 3)))):
            each, reply = left.pop()
            expected[scheduler.submit(each)] = reply
        if expected and dice.random() < 0.08:
            ticket = dice.choice(sorted(expected))
            scheduler.cancel(ticket)
            if ticket not in replies(events):
                del expected[ticket]
                events = [event for event in events if event.ticket != ticket]
        step = scheduler.step()
        assert len({event.ticket for event in step}) == len(step)
        assert scheduler.running <= scheduler.max_running
        events += step
    done = replies(events)
    assert done.keys() == expected.keys() == {event.ticket for event in events}
    for ticket, reply in expected.items():
        assert same(done[ticket], reply)
        mine = [event for event in events if event.ticket == ticket]
        assert "".join(event.text for event in mine) == reply.text
        assert tuple(token for event in mine for token in event.tokens) == reply.ids
        assert [event.reply is None for event in mine] == [True] * (len(mine) - 1) + [False]
    return sum(reply.usage.cached_tokens for reply in done.values())


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_each_alone(kind: str) -> None:
    model = fresh(kind)
    assert storm(model, mixed(kind), 1, max_running=3, prefill_chunk=70, keep_tokens=0) == 0
    assert storm(model, mixed(kind), 2, max_running=8, prefill_chunk=1000, max_tokens=1000) > 0


@pytest.mark.skipif("internvl-nano" not in embedded_models(), reason="internvl-nano is not in this checkout")
def test_the_embedded_model() -> None:
    nano = internvl.load("internvl-nano", device="cpu")
    asked = []
    for number, parts in enumerate(QUESTIONS):
        asked += [request(nano, *parts, max_new_tokens=24), request(nano, *parts, max_new_tokens=24, seed=number, **SAMPLED)]
    storm(nano, [(each, alone(nano, each)) for each in asked], 4, max_running=4, prefill_chunk=40)


@pytest.mark.parametrize("kind", ["internvl2-internlm2", "internvl2-phi3"])
def test_angles_follow_each_member(kind: str) -> None:
    """Rotary angles change at 110 tokens: one member is beyond, one crosses while it answers, one stays below."""
    model = limited(kind)
    long = "Tell me a long, long story about a cat. "
    asked = [request(model, text, max_new_tokens=longest) for text, longest in (("Hi", 6), (long * 4, 9), (long, 12), (long * 5, 9))]
    expected = [alone(model, each) for each in asked]
    ends = [each.inputs.tokens + each.params.max_new_tokens for each in asked]
    assert min(ends) <= 110 < max(each.inputs.tokens for each in asked)
    assert any(each.inputs.tokens <= 110 < end for each, end in zip(asked, ends, strict=True))
    scheduler = Scheduler(model.engine, prefill_chunk=17)
    tickets = [scheduler.submit(each) for each in asked]
    done = replies(run(scheduler))
    assert all(same(done[ticket], reply) for ticket, reply in zip(tickets, expected, strict=True))


def test_running_answers_go_on_while_a_long_prompt_is_read() -> None:
    model = fresh()
    scheduler = Scheduler(model.engine, prefill_chunk=10, encode_tiles=9, decode_share=0, keep_tokens=0)
    first = scheduler.submit(request(model, "Hello", max_new_tokens=500))
    while not any(event.ticket == first for event in scheduler.step()):
        pass
    asked = request(model, picture(1), "\nWhat is this?")
    second = scheduler.submit(asked)
    encoded, tickets = [0], [first]
    while tickets == [first]:
        tickets = [event.ticket for event in scheduler.step()]
        encoded.append(model.engine.vision_cache.encoded)
    assert tickets == [first, second]
    assert len(encoded) - 1 == -(-asked.inputs.tokens // 10)
    assert encoded[-1] == asked.inputs.tiles
    assert len(set(encoded)) > 3  # tiles are encoded with the chunk that needs them, not all at once
    run(scheduler)


def test_first_come_first_served() -> None:
    model = vlm()
    asked = [request(model, text, max_new_tokens=6) for text in ("Hello", "Tell me a long story. " * 12, "Hi", "Hey")]
    needs = [each.inputs.tokens + 6 for each in asked]
    most = needs[1] + 10
    assert needs[0] + needs[2] <= most < needs[0] + needs[1]
    scheduler = Scheduler(model.engine, max_tokens=most)
    tickets = [scheduler.submit(each) for each in asked]
    order: list[int] = []
    while not scheduler.idle:
        order += [event.ticket for event in scheduler.step() if event.ticket not in order]
        assert scheduler.reserved_tokens + scheduler.kept_tokens <= most
    assert order == tickets


def test_what_can_never_fit_is_refused_with_numbers() -> None:
    model = vlm()
    asked = request(model, "Hello", max_new_tokens=9)
    need = asked.inputs.tokens + 9
    with pytest.raises(RequestTooLargeError, match=f"together {need}, but at most {need - 1} "):
        Scheduler(model.engine, max_tokens=need - 1).submit(asked)
    exact = Scheduler(model.engine, max_tokens=need)
    exact.submit(asked)
    assert len(run(exact)) == 9
    short = shortened(ONE, max_positions=asked.inputs.tokens)
    with pytest.raises(ContextLengthError, match=f"prompt has {asked.inputs.tokens} tokens"):
        Scheduler(short.engine).submit(asked)
    with pytest.raises(SamplingError, match="beam"):
        Scheduler(model.engine).submit(request(model, "Hello", num_beams=2))
    wordless = Engine(model.model, None, stop_ids=model.engine.stop_ids)
    with pytest.raises(SamplingError, match="tokenizer"):
        Scheduler(wordless).submit(request(model, "Hello", stop="a"))


def test_a_full_queue() -> None:
    scheduler = Scheduler(vlm().engine, max_running=1, max_waiting=2)
    asked = request(vlm(), "Hello", max_new_tokens=3)
    tickets = [scheduler.submit(asked), scheduler.submit(asked)]
    with pytest.raises(QueueFullError, match="2 requests"):
        scheduler.submit(asked)
    scheduler.step()
    assert (scheduler.running, scheduler.waiting, scheduler.idle) == (1, 1, False)
    tickets.append(scheduler.submit(asked))
    assert list(replies(run(scheduler))) == tickets
    assert (scheduler.running, scheduler.waiting, scheduler.step()) == (0, 0, [])


def test_cancelled_in_every_state() -> None:
    model = vlm()
    scheduler = Scheduler(model.engine, max_running=2, prefill_chunk=20)
    running = scheduler.submit(request(model, "Hello", max_new_tokens=50))
    while not scheduler.step():
        pass
    reading = scheduler.submit(request(model, "Tell me a long story. " * 12))
    waiting = scheduler.submit(request(model, "Hi"))
    last = request(model, "Hey")
    stays = scheduler.submit(last)
    scheduler.step()
    assert (scheduler.running, scheduler.waiting) == (2, 2)
    for ticket in (waiting, reading, running):
        scheduler.cancel(ticket)
    assert (scheduler.running, scheduler.waiting, scheduler.reserved_tokens) == (0, 1, 0)
    events = run(scheduler)
    assert {event.ticket for event in events} == {stays}
    assert same(replies(events)[stays], alone(model, last))
    for ticket in (stays, running, 12345):
        scheduler.cancel(ticket)
    assert scheduler.idle


def test_the_next_turn_reads_only_what_is_new() -> None:
    model = fresh()
    scheduler = Scheduler(model.engine)
    question = user(picture(0), "\nWhat is this?")
    scheduler.submit(Request(model.processor.prepare(question), SamplingParams(max_new_tokens=5)))
    [first] = replies(run(scheduler)).values()
    turn = [question, assistant(first.text), user("Why?")]
    asked = Request(model.processor.prepare(turn), SamplingParams(max_new_tokens=5))
    scheduler.submit(asked)
    encoded = model.engine.vision_cache.encoded
    [second] = replies(run(scheduler)).values()
    assert second.usage.cached_tokens >= first.usage.prompt_tokens
    assert same(second, alone(fresh(), asked))
    assert model.engine.vision_cache.encoded == encoded


def test_a_running_request_lends_what_it_has_read() -> None:
    model = vlm()
    scheduler = Scheduler(model.engine)
    asked = [request(model, picture(0), "\nWhat is this?", max_new_tokens=12, seed=seed, **SAMPLED) for seed in range(3)]
    tickets = [scheduler.submit(each) for each in asked]
    done = replies(run(scheduler))
    tokens = asked[0].inputs.tokens
    assert [done[ticket].usage.cached_tokens for ticket in tickets] == [0, tokens - 1, tokens - 1]
    assert all(same(done[ticket], alone(model, each)) for ticket, each in zip(tickets, asked, strict=True))
    assert len({reply.ids for reply in done.values()}) == 3


def test_what_is_kept_is_bounded() -> None:
    model = vlm()
    asked = [request(model, f"{number} is a number, and a good one", max_new_tokens=3) for number in range(4)]
    longest = max(each.inputs.tokens for each in asked) + 3
    scheduler = Scheduler(model.engine, keep_tokens=2 * longest)
    for each in asked:
        scheduler.submit(each)
        run(scheduler)
        assert each.inputs.tokens <= scheduler.kept_tokens <= 2 * longest
    scheduler.submit(request(model, "Tell me a long story. " * 60, max_new_tokens=1))
    run(scheduler)
    assert scheduler.kept_tokens >= 2 * (longest - 4)  # what is longer than all the room drives nobody out


def damaged(token: int) -> VLM:
    """The model with an embedding that is not a number: whoever reads it has no next token."""
    known = vlm()
    assert known.model.language_model.head is not None
    model: InternVL = meta_model(known.config)
    state = {name: tensor.clone() for name, tensor in known.model.state_dict().items()}
    state["language_model.embedding.weight"][token] = torch.nan
    model.load_state_dict(state, assign=True)
    return VLM(model.eval(), known.tokenizer)


def test_only_the_member_without_a_next_token_fails() -> None:
    asked = [request(vlm(), text, max_new_tokens=8) for text in ("Hello", "Hi there", "What is the matter?")]
    asked[1] = replace(asked[1], params=SamplingParams(max_new_tokens=8, temperature=2.0, seed=1))
    good = [alone(vlm(), each) for each in asked]
    others = {token for reply in (good[0], good[2]) for token in reply.ids} | {t for each in asked for t in each.inputs.ids.tolist()}
    spoiled = next(token for token in good[1].ids[:-1] if token not in others)
    model = damaged(spoiled)
    scheduler = Scheduler(model.engine)
    tickets = [scheduler.submit(each) for each in asked]
    ids = torch.cat([asked[0].inputs.ids, torch.tensor([spoiled])])
    bad = scheduler.submit(replace(asked[0], inputs=replace(asked[0].inputs, ids=ids)))
    events = run(scheduler)
    failed = {event.ticket: event.error for event in events if event.error is not None}
    assert failed.keys() == {tickets[1], bad}
    assert all(isinstance(error, NumericError) for error in failed.values())
    done = replies(events)
    assert same(done[tickets[0]], good[0])
    assert same(done[tickets[2]], good[2])


def test_log_probabilities() -> None:
    model = vlm()
    asked = request(model, "Hello", logprobs=3)
    scheduler = Scheduler(model.engine)
    scheduler.submit(asked)
    scheduler.submit(request(model, "Hi"))
    events = run(scheduler)
    told = [event.logprobs[0] for event in events if event.ticket == 1 and event.logprobs]
    assert all(event.logprobs is None for event in events if event.ticket == 2)
    reply = replies(events)[1]
    assert reply.logprobs == tuple(told)
    ids = torch.cat([asked.inputs.ids, torch.tensor(reply.ids)])
    with torch.inference_mode():
        scores = model.model(ids[None])[0, asked.inputs.tokens - 1 : -1].log_softmax(-1)
    for row, token, each in zip(scores, reply.ids, told, strict=True):
        assert each.token == token == each.top[0][0]
        assert each.logprob == pytest.approx(float(row[token]), abs=1e-4)
        assert [score for _, score in each.top] == pytest.approx(row.topk(3).values.tolist(), abs=1e-4)
    for wrong in ({"logprobs": -1}, {"logprobs": 21}, {"logprobs": 1.5}, {"logprobs": 1, "num_beams": 2}):
        with pytest.raises(SamplingError):
            SamplingParams.of(wrong)


@pytest.mark.parametrize("wrong", [{"max_running": 0}, {"max_waiting": 0}, {"prefill_chunk": 0}, {"keep_tokens": -1}])
def test_settings_out_of_range(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Scheduler(vlm().engine, **wrong)
