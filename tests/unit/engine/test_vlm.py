"""Sentences and pictures in, sentences out: chat, stream and batch agree with each other, on every kind of language model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny import FIXTURES, KINDS, ONE, conversation, fresh, picture, vlm, write_clip

import internvl
from internvl import Image, Message, Video
from internvl.engine.vlm import VLM
from internvl.errors import ConfigError, PlaceholderCountError, PromptError, SamplingError
from internvl.media.tiling import TilePolicy

GREEDY = {"max_new_tokens": 10}
SAMPLED = {"max_new_tokens": 10, "temperature": 0.8, "top_k": 40, "top_p": 0.9, "repetition_penalty": 1.1, "seed": 7}


def mixed() -> list[list[Message]]:
    """Text only, one picture, several pictures, and a longer text."""
    return [
        conversation("Hello"),
        conversation(picture(0), "\nWhat is this?"),
        conversation("Image-1: ", picture(1), "\nImage-2: ", picture(3), "\nCompare."),
        conversation("Tell me a story about a cat that can count to ten, and then to twelve."),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_stream_joined_is_chat(kind: str) -> None:
    for options in (GREEDY, SAMPLED):
        generation = vlm(kind).stream("What is this?", picture(0), **options)
        pieces = list(generation)
        assert "".join(pieces) == vlm(kind).chat("What is this?", picture(0), **options)
        assert generation.reply.usage.answer_tokens == len(generation.reply.ids) == len(generation.ids)
        assert len(pieces) > 1


@pytest.mark.parametrize("options", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("kind", KINDS)
def test_batch_is_each_alone(kind: str, options: dict) -> None:
    together = vlm(kind).answer_all(mixed(), **options)
    for conversed, reply in zip(mixed(), together, strict=True):
        alone = vlm(kind).answer(conversed, **options)
        assert reply.ids == alone.ids
        usage = replace(reply.usage, cached_tokens=0)  # what members share is read once
        assert (reply.text, reply.finish_reason, usage) == (alone.text, alone.finish_reason, alone.usage)


def test_a_batch_larger_than_what_is_decoded_together_keeps_its_order() -> None:
    questions = [f"Question number {n}" for n in range(11)]
    assert vlm().batch(questions, **GREEDY) == [vlm().chat(question, **GREEDY) for question in questions]


def test_members_that_end_early_leave_the_others_alone() -> None:
    alone = [vlm().answer(each, max_new_tokens=12) for each in mixed()]
    stop = alone[1].text[2:4]
    stopped = [vlm().answer(each, max_new_tokens=12, stop=stop) for each in mixed()]
    assert len({len(reply.ids) for reply in stopped}) > 1
    assert [reply.ids for reply in vlm().answer_all(mixed(), max_new_tokens=12, stop=stop)] == [reply.ids for reply in stopped]


def test_batch_takes_tuples_and_bare_texts() -> None:
    answers = vlm().batch([("What is this?", picture(0)), "Hello"], **GREEDY)
    assert answers == [vlm().chat("What is this?", picture(0), **GREEDY), vlm().chat("Hello", **GREEDY)]


def test_an_empty_batch() -> None:
    assert vlm().batch([]) == []


def test_system_message_reaches_the_prompt() -> None:
    spoken = vlm().answer([internvl.messages.system("Be brief."), *conversation("Hello")], **GREEDY)
    assert spoken.text == vlm().chat("Hello", system="Be brief.", **GREEDY)
    assert spoken.usage.prompt_tokens == vlm().count("Hello", system="Be brief.").total != vlm().count("Hello").total


@pytest.mark.parametrize("kind", KINDS)
def test_count_is_what_is_read(kind: str) -> None:
    counted = vlm(kind).count("Compare.", picture(0), picture(1))
    usage = vlm(kind).answer(conversation("Image-1: ", picture(0), "\nImage-2: ", picture(1), "\nCompare."), max_new_tokens=1).usage
    assert (counted.total, counted.visual) == (usage.prompt_tokens, usage.visual_tokens)
    assert sum(each.tiles for each in counted.media) == usage.tiles


def test_marks_place_the_pictures() -> None:
    placed = vlm().chat("First <image> and <image>.", picture(0), picture(1), **GREEDY)
    spelt = vlm().answer(conversation("First ", picture(0), " and ", picture(1), "."), **GREEDY)
    assert placed == spelt.text
    front = vlm().chat("Hi", picture(0), picture(1), **GREEDY)
    assert front == vlm().chat("Image-1: <image>\nImage-2: <image>\nHi", picture(0), picture(1), **GREEDY)


@pytest.mark.parametrize(("question", "expected", "given"), [("<image><image> Hi", 2, 1), ("<image> and <image> or <image>", 3, 1)])
def test_too_many_marks(question: str, expected: int, given: int) -> None:
    with pytest.raises(PlaceholderCountError, match=f"{expected} <image> marks, but {given}") as caught:
        vlm().chat(question, picture(0))
    assert (caught.value.expected, caught.value.given) == (expected, given)


def test_too_few_marks() -> None:
    with pytest.raises(PlaceholderCountError, match="1 <image> marks, but 2"):
        vlm().chat("Only <image>", picture(0), picture(1))
    with pytest.raises(PlaceholderCountError, match="1 <image> marks, but 0"):
        vlm().chat("What does <image> mean?")


def test_a_clip_is_its_frames(tmp_path: Path) -> None:
    clip = Video(write_clip(tmp_path / "clip.mp4"), frames=3)
    answer = vlm().answer(conversation(clip, "Describe."), **GREEDY)
    assert (answer.usage.tiles, answer.text) == (3, vlm().chat("Describe.", clip, **GREEDY))
    assert vlm().count("Describe.", clip).total == answer.usage.prompt_tokens
    assert vlm().chat("<video>\nDescribe.", clip, **GREEDY) == answer.text


def test_several_clips_and_a_picture(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4")
    first, second = Video(path, frames=2), Video(path, frames=3, start_s=1.0)
    counted = vlm().count("Which is longer?", first, picture(3), second)
    reply = vlm().answer_all([[internvl.processor.compose("Which is longer?", [first, picture(3), second])]], **GREEDY)[0]
    assert counted.total == reply.usage.prompt_tokens
    assert reply.usage.tiles == 2 + 3 + counted.media[0].tiles
    with pytest.raises(PlaceholderCountError, match="1 <video> marks, but 2 videos"):
        vlm().chat("<video> Hm", first, second)


@pytest.mark.parametrize("thing", ["a.png", b"bytes", None, 3])
def test_media_of_another_type_are_refused_not_ignored(thing: object) -> None:
    with pytest.raises(PromptError, match=r"internvl\.Image"):
        vlm().chat("Hi", thing)
    with pytest.raises(PromptError, match=r"internvl\.Image"):
        vlm().batch([("Hi", thing)])


def test_a_conversation_of_other_things_is_refused() -> None:
    with pytest.raises(PromptError, match="Message objects, not dict"):
        vlm().answer([{"role": "user", "content": "Hi"}])


def test_errors_of_a_stream_come_at_once() -> None:
    with pytest.raises(SamplingError, match="unknown option 'max_tokens'"):
        vlm().stream("Hi", max_tokens=3)


def test_closing_a_stream_ends_the_work() -> None:
    generation = vlm().stream("Hello", max_new_tokens=50)
    next(generation)
    written = len(generation.ids)
    generation.close()
    assert list(generation) == []
    assert len(generation.ids) == written < 50


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16(kind: str) -> None:
    half = VLM.load(FIXTURES / kind, device="cpu", dtype="bfloat16")
    generation = half.stream("What is this?", picture(0), max_new_tokens=6)
    assert "".join(generation)
    keys = generation.prefix.cache.keys
    assert {key.dtype for key in keys if key is not None} == {torch.bfloat16}
    assert len(half.batch([("What?", picture(0)), "Hello"], max_new_tokens=4)) == 2


def test_an_unknown_dtype() -> None:
    with pytest.raises(ConfigError, match="float32"):
        VLM.load(FIXTURES / ONE, dtype="int3")


def test_a_policy_of_another_tile_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="56 px, the policy's 448 px"):
        vlm().with_policy(TilePolicy(max_tiles=4))


def test_another_policy_shares_weights_and_visual_tokens() -> None:
    first = fresh()
    first.chat("Hi", picture(3), max_new_tokens=1)
    encoded = first.engine.vision_cache.encoded
    second = first.with_policy(first.policy.with_max_tiles(2))
    assert second.model is first.model
    assert second.engine.vision_cache is first.engine.vision_cache
    assert first.engine.vision_cache.encoded == encoded
    assert second.count("Hi", picture(0)).visual < first.count("Hi", picture(0)).visual


def test_pictures_of_an_array_and_of_bytes_are_the_file() -> None:
    import numpy as np
    import PIL.Image

    path = FIXTURES / "image0.png"
    expected = vlm().chat("Hi", Image(path), **GREEDY)
    assert vlm().chat("Hi", Image(path.read_bytes()), **GREEDY) == expected
    assert vlm().chat("Hi", Image(np.array(PIL.Image.open(path).convert("RGB"))), **GREEDY) == expected
