"""A session says what a chat with the whole history says, and reads only what is new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from tiny import KINDS, fresh, picture, vlm

from internvl.engine.card import InternVLChatModel
from internvl.engine.engine import Engine
from internvl.engine.session import Session
from internvl.errors import ContextLengthError, PlaceholderCountError, PromptError
from internvl.messages import Message, system, user

SHORT = {"max_new_tokens": 6}


def uncached(kind: str, messages: list[Message], **options: Any) -> str:
    return vlm(kind).answer(messages, **options).text


@pytest.mark.parametrize("kind", KINDS)
def test_replies_are_those_of_a_chat_with_history(kind: str) -> None:
    card = InternVLChatModel(vlm(kind).model)
    tiles = vlm(kind).processor.prepare(user(picture(0)))
    talk, history = vlm(kind).session(), []
    for question, media in (("What is it?", (picture(0),)), ("And why?", ()), ("Sure?", ())):
        reply = talk.ask(question, *media, **SHORT)
        expected, history = card.chat(
            vlm(kind).tokenizer, tiles.pixels, question, SHORT, history=history, return_history=True, num_patches_list=[tiles.tiles]
        )
        assert reply == expected


@pytest.mark.parametrize("kind", KINDS)
def test_every_turn_equals_the_conversation_read_anew(kind: str) -> None:
    talk = fresh(kind).session(system="Be brief.")
    for question, media in (("Hi", ()), ("Look: ", (picture(0),)), ("And <image>, <image>?", (picture(1), picture(3))), ("So?", ())):
        reply = talk.ask(question, *media, **SHORT)
        assert reply == uncached(kind, talk.messages[:-1], **SHORT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_question_costs_its_new_tokens(kind: str) -> None:
    model = fresh(kind)
    talk = model.session()
    talk.ask("What is it?", picture(0), **SHORT)
    first, encoded = talk.reply.usage, model.engine.vision_cache.encoded
    talk.ask("Why?", **SHORT)
    second = talk.reply.usage
    assert encoded == first.tiles
    assert (model.engine.vision_cache.encoded, model.engine.vision_cache.hits) == (encoded, 0)
    # The template's opening of the answer may end in a token that merges with the answer's first word.
    assert second.cached_tokens >= first.prompt_tokens - 2
    new_text = model.count("Why?").total + first.answer_tokens + 8
    assert second.prompt_tokens - second.cached_tokens < new_text < second.prompt_tokens
    talk.ask("And this?", picture(3), **SHORT)
    shown = model.count("", picture(3)).media[0].tiles
    assert model.engine.vision_cache.encoded == encoded + shown


def test_the_same_picture_again_is_not_encoded_again() -> None:
    model = fresh()
    talk = model.session()
    talk.ask("What?", picture(3), **SHORT)
    encoded = model.engine.vision_cache.encoded
    talk.ask("And now?", picture(3), **SHORT)
    assert model.engine.vision_cache.encoded == encoded
    assert model.engine.vision_cache.hits > 0


def test_stopping_early_makes_what_was_said_the_turn() -> None:
    model = fresh()
    talk = model.session()
    stream = talk.stream("What is it?", picture(0), max_new_tokens=30)
    said = next(stream) + next(stream)
    stream.close()
    assert talk.messages[-1].text == said
    assert talk.reply.usage.answer_tokens < 30
    reply = talk.ask("Go on.", **SHORT)
    assert reply == uncached("internvl2-qwen2", talk.messages[:-1], **SHORT)
    assert talk.reply.usage.cached_tokens > talk.reply.usage.visual_tokens > 0


def test_a_stream_that_never_began_is_no_turn() -> None:
    talk = vlm().session()
    talk.stream("Hello").close()
    assert talk.messages == []


def test_an_error_in_the_middle_is_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = vlm().session()
    talk.ask("Hello", **SHORT)
    before = list(talk.messages)
    step = Engine.step

    def fail(*_: Any) -> list[str]:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Engine, "step", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        talk.ask("And?", **SHORT)
    monkeypatch.setattr(Engine, "step", step)
    assert talk.messages == before
    reply = talk.ask("And?", **SHORT)
    assert talk.reply.usage.cached_tokens == 0  # the cache went down with the failure
    assert reply == uncached("internvl2-qwen2", talk.messages[:-1], **SHORT)


def test_a_question_that_is_too_long_leaves_the_session_as_it_was() -> None:
    talk = vlm("internvl2-qwen2").session()
    talk.ask("Hello", picture(3), **SHORT)
    before = list(talk.messages)
    with pytest.raises(ContextLengthError):
        talk.ask("word " * 9000, **SHORT)
    assert talk.messages == before
    talk.ask("And?", **SHORT)
    assert talk.reply.usage.cached_tokens > 0


def test_a_wrong_count_of_marks_leaves_the_session_as_it_was() -> None:
    talk = vlm().session()
    talk.ask("Hello", **SHORT)
    with pytest.raises(PlaceholderCountError):
        talk.ask("<image>?", **SHORT)
    talk.ask("And?", **SHORT)
    assert talk.reply.usage.cached_tokens > 0


def test_undo_takes_back_a_turn() -> None:
    talk = vlm().session(system="Be brief.")
    talk.ask("Hello", picture(0), **SHORT)
    first = list(talk.messages)
    talk.ask("Why?", picture(1), **SHORT)
    talk.undo()
    assert talk.messages == first
    reply = talk.ask("How?", **SHORT)
    assert reply == uncached("internvl2-qwen2", talk.messages[:-1], **SHORT)
    assert talk.reply.usage.cached_tokens > 0


def test_undo_without_a_turn() -> None:
    for talk in (vlm().session(), vlm().session(system="Be brief.")):
        with pytest.raises(PromptError, match="no turn"):
            talk.undo()


def test_forget_starts_over_with_the_system_message() -> None:
    talk = vlm().session(system="Be brief.")
    talk.ask("Hello", picture(0), **SHORT)
    talk.forget()
    assert talk.messages == [system("Be brief.")]
    assert talk.reply is None
    assert talk.ask("Hi", **SHORT) == vlm().chat("Hi", system="Be brief.", **SHORT)
    assert talk.reply.usage.visual_tokens == 0


def test_two_sessions_of_one_model_do_not_mix() -> None:
    a, b = vlm().session(), vlm().session()
    streams: list[Iterator[str]] = [a.stream("Count to ten.", max_new_tokens=12), b.stream("Name a colour.", max_new_tokens=12)]
    said = ["", ""]
    for _ in range(14):
        for i, stream in enumerate(streams):
            said[i] += next(stream, "")
    assert said == [vlm().chat("Count to ten.", max_new_tokens=12), vlm().chat("Name a colour.", max_new_tokens=12)]


def test_beams_in_a_session() -> None:
    talk = vlm().session()
    for question in ("Hello", "And?"):
        reply = talk.ask(question, num_beams=3, **SHORT)
        assert reply == uncached("internvl2-qwen2", talk.messages[:-1], num_beams=3, **SHORT)
    assert talk.reply.usage.cached_tokens > 0


def test_nothing_is_kept_for_a_gradient() -> None:
    talk = vlm().session()
    talk.ask("Hello", **SHORT)
    assert isinstance(talk, Session)
    assert not any(key.requires_grad for key in talk._prefix.cache.keys if key is not None)
    assert not torch.is_inference_mode_enabled()
