"""Where an answer ends: lengths, stop strings, the model's positions, and rotary angles that change with the length."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
from tiny import ONE, picture, vlm

from internvl.engine.engine import Engine
from internvl.engine.request import Request
from internvl.engine.sampling import SamplingParams
from internvl.engine.vlm import VLM
from internvl.errors import ContextLengthError, NumericError, SamplingError
from internvl.inputs import ModelInputs
from internvl.messages import user
from internvl.models.build import meta_model
from internvl.models.internvl import InternVL


@cache
def shortened(kind: str, **language: int) -> VLM:
    """The same weights in a model with other limits."""
    known = vlm(kind)
    rope = known.config.language.rope
    if "original_max_positions" in language:
        rope = replace(rope, original_max_positions=language["original_max_positions"])
    positions = language.get("max_positions", known.config.language.max_positions)
    config = replace(known.config, language=replace(known.config.language, max_positions=positions, rope=rope))
    model: InternVL = meta_model(config)
    model.load_state_dict(known.model.state_dict(), assign=True)
    return VLM(model.eval(), known.tokenizer, name=kind)


def test_the_longest_answer() -> None:
    for longest in (1, 2, 7):
        reply = vlm().answer([user("Hello")], max_new_tokens=longest)
        assert (len(reply.ids), reply.finish_reason) == (longest, "length")


def test_the_model_ends_its_answer() -> None:
    first = vlm().answer([user("Hello")], max_new_tokens=5)
    ending = Engine(vlm().model, vlm().tokenizer, stop_ids=frozenset({first.ids[3]}))
    inputs = vlm().processor.prepare(user("Hello"))
    end = first.ids.index(first.ids[3])
    reply = ending.generate([Request(inputs, SamplingParams(max_new_tokens=5))])[0]
    assert (reply.ids, reply.finish_reason) == (first.ids[: end + 1], "stop")
    assert reply.text == vlm().tokenizer.decode(first.ids[:end]).strip()
    longer = ending.generate([Request(inputs, SamplingParams(max_new_tokens=8, min_new_tokens=8))])[0]
    assert len(longer.ids) == 8
    assert first.ids[3] not in longer.ids


@pytest.mark.parametrize("kind", ["internvl2-qwen2", "internvl2-phi3", "internvl2-llama3"])
def test_stop_strings_across_tokens(kind: str) -> None:
    free = vlm(kind).answer([user("Hello")], max_new_tokens=24)
    for start in range(1, len(free.text) - 3):
        stop = free.text[start : start + 3]
        reply = vlm(kind).answer([user("Hello")], max_new_tokens=24, stop=stop)
        assert reply.text == free.text[: free.text.index(stop)].strip()
        assert reply.finish_reason == "stop"
        assert reply.ids == free.ids[: len(reply.ids)]


def test_stop_strings_with_beams() -> None:
    free = vlm().answer([user("Hello")], max_new_tokens=12, num_beams=3)
    stop = free.text[4:6]
    reply = vlm().answer([user("Hello")], max_new_tokens=12, num_beams=3, stop=stop)
    assert reply.text == free.text[: free.text.index(stop)].strip()
    assert (reply.finish_reason, reply.ids) == ("stop", free.ids[: len(reply.ids)])
    assert len(reply.ids) < len(free.ids)


def test_a_prompt_beyond_the_positions_names_all_counts() -> None:
    short = shortened(ONE, max_positions=100)
    counted = short.count("Hello", picture(3))
    with pytest.raises(ContextLengthError) as caught:
        short.chat("Hello", picture(3))
    for count in (counted.total, counted.text, counted.visual, counted.media[0].tiles, 100):
        assert str(count) in str(caught.value)


def test_answers_fit_into_the_room_left() -> None:
    tokens = vlm().count("Hello").total
    free = vlm().answer([user("Hello")], max_new_tokens=9)
    for room in (1, 4):
        reply = shortened(ONE, max_positions=tokens + room).answer([user("Hello")], max_new_tokens=9)
        assert (reply.ids, reply.finish_reason) == (free.ids[:room], "length")
    with pytest.raises(ContextLengthError):
        shortened(ONE, max_positions=tokens).answer([user("Hello")])


def limited(kind: str) -> VLM:
    """Rotary angles change at 110 tokens: between the prompts of the tests below."""
    key = "max_positions" if kind == "internvl2-internlm2" else "original_max_positions"
    return shortened(kind, **{key: 110})


@pytest.mark.parametrize("kind", ["internvl2-internlm2", "internvl2-phi3"])
def test_a_session_that_outgrows_its_angles_reads_anew(kind: str) -> None:
    model = limited(kind)
    talk, cached, lengths = model.session(), [], []
    for question in ("Hi", "And?", "Tell me more about it.", "Why?", "How?"):
        reply = talk.ask(question, max_new_tokens=6)
        assert reply == model.answer(talk.messages[:-1], max_new_tokens=6).text
        cached.append(talk.reply.usage.cached_tokens)
        lengths.append(talk.reply.usage.prompt_tokens)
    assert lengths[0] < 110 < lengths[-2]
    first_above = next(i for i, length in enumerate(lengths) if length > 110)
    assert cached[first_above] == 0
    assert (cached[-1] > 0) == (kind == "internvl2-phi3")


@pytest.mark.parametrize("kind", ["internvl2-internlm2", "internvl2-phi3"])
def test_a_batch_with_a_member_beyond_the_angles_limit(kind: str) -> None:
    model = limited(kind)
    conversations = [[user("Hi")], [user("Tell me a long, long story about a cat. " * 4)], [user("Hello")]]
    assert model.count("Hi").total + 6 <= 110 < model.processor.count(conversations[1]).total
    alone = [model.answer(each, max_new_tokens=6).ids for each in conversations]
    assert [reply.ids for reply in model.answer_all(conversations, max_new_tokens=6)] == alone


def test_the_angles_limit_matters() -> None:
    """Otherwise the two tests above would hold without any care."""
    long = [user("Tell me a long, long story about a cat. " * 4)]
    assert limited("internvl2-phi3").answer(long, max_new_tokens=6).ids != vlm("internvl2-phi3").answer(long, max_new_tokens=6).ids


def test_damaged_weights_are_an_error_not_an_answer() -> None:
    known = vlm()
    model: InternVL = meta_model(known.config)
    state = {name: tensor.clone() for name, tensor in known.model.state_dict().items()}
    state["language_model.norm.weight"][0] = torch.nan
    model.load_state_dict(state, assign=True)
    broken = VLM(model.eval(), known.tokenizer)
    for options in ({}, {"temperature": 1.0}, {"num_beams": 2}):
        with pytest.raises(NumericError):
            broken.chat("Hello", **options)
    with pytest.raises(NumericError):
        broken.batch(["Hello", "Hi"])


def test_an_engine_without_a_tokenizer_answers_in_ids() -> None:
    inputs = vlm().processor.prepare(user("Hello"))
    engine = Engine(vlm().model, None, stop_ids=vlm().engine.stop_ids)
    reply = engine.generate([Request(inputs, SamplingParams(max_new_tokens=5))])[0]
    assert (reply.text, reply.ids) == ("", vlm().answer([user("Hello")], max_new_tokens=5).ids)
    with pytest.raises(SamplingError, match="tokenizer"):
        engine.generate([Request(inputs, SamplingParams(stop=("a",)))])


def test_timings_and_plain_data() -> None:
    reply = vlm().answer([user(picture(3), "Hello")], max_new_tokens=5)
    times = reply.timings
    assert times.first_token_s >= times.encode_s + times.prefill_s > 0
    assert times.decode_s > 0
    values = reply.to_dict()
    assert values["usage"]["answer_tokens"] == 5
    assert values["timings"]["tokens_per_s"] == pytest.approx(4 / times.decode_s)


def test_caches_of_finished_members_are_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    import gc
    import weakref

    alive: list[tuple[int, int]] = []
    made: list[weakref.ref] = []
    begin, step = Engine.begin, Engine.step

    def watched(self: Engine, *args: object) -> object:
        reading = begin(self, *args)
        made.append(weakref.ref(reading.cache))
        return reading

    def counting(self: Engine, readings: list) -> list[str]:
        gc.collect()
        alive.append((sum(ref() is not None for ref in made), len(readings)))
        return step(self, readings)

    monkeypatch.setattr(Engine, "begin", watched)
    monkeypatch.setattr(Engine, "step", counting)
    requests = [
        Request(vlm().processor.prepare(user("Hello")), SamplingParams(max_new_tokens=longest)) for longest in (1, 4, 2, 6, 3, 1, 5)
    ]
    assert [len(reply.ids) for reply in vlm().engine.generate(requests, max_batch=3)] == [1, 4, 2, 6, 3, 1, 5]
    assert len(made) == len(requests)
    assert max(held for held, _ in alive) == 3
    assert all(held == running for held, running in alive)


def test_inputs_are_ids_of_one_sequence() -> None:
    with pytest.raises(ValueError, match="int64"):
        ModelInputs(ids=torch.zeros(2, 2, dtype=torch.long), placeholder_id=5, tokens_per_tile=4)
