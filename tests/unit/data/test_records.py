"""Records of every format become one class, and each kind of fault is one clear reason."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from internvl.data.record import Origin, Record, RecordError, Utterance
from internvl.data.record_fields import kind_of, read_record, rooted

ORIGIN = Origin("set", "set.jsonl", 3)
PNG = base64.b64encode(b"\x89PNG fake").decode()


def turns(*texts: str) -> list[dict[str, str]]:
    return [{"from": "human" if index % 2 == 0 else "gpt", "value": text} for index, text in enumerate(texts)]


def read(**raw: Any) -> Record:
    return read_record(raw, ORIGIN)


def texts(record: Record) -> list[str]:
    return [each.text for each in record.utterances]


def reason(**raw: Any) -> str:
    with pytest.raises(RecordError) as caught:
        read(**raw)
    return caught.value.reason


def test_text() -> None:
    record = read(id=7, conversations=turns("Hello", "Hi", "Bye", "Ciao"), image=None, length=12)
    assert record.utterances[0] == Utterance("user", "Hello")
    assert [each.role for each in record.utterances] == ["user", "assistant"] * 2
    assert (record.images, record.videos, record.tokens, record.id, record.origin) == ((), (), 12, "7", ORIGIN)
    assert kind_of(record) == "text"


@pytest.mark.parametrize("nothing", [None, "", []])
def test_an_empty_image_is_none(nothing: object) -> None:
    assert read(image=nothing, conversations=turns("a", "b")).images == ()


def test_one_picture_without_a_mark_gets_it_first_in_the_first_question() -> None:
    record = read(image="a/b.png", width=640, height=480, conversations=turns("What?", "A.", "Sure?", "Yes."))
    assert texts(record) == ["<image>\nWhat?", "A.", "Sure?", "Yes."]
    assert record.images == (Path("a/b.png"),)
    assert record.sizes == ((640, 480),)
    assert kind_of(record) == "image"


def test_a_mark_that_is_there_stays_where_it_is() -> None:
    assert texts(read(image="a.png", conversations=turns("a", "b", "and <image>?", "c")))[0] == "a"
    assert texts(read(image=["a.png"], conversations=turns("See <image>", "b")))[0] == "See <image>"
    with_system = [{"from": "system", "value": "Be brief."}, *turns("What?", "A.")]
    assert texts(read(image="a.png", conversations=with_system))[:2] == ["Be brief.", "<image>\nWhat?"]


def test_several_pictures_need_a_mark_each() -> None:
    record = read(image=["a.png", "b.png"], width_list=[1, 2], height_list=[3, 4.0], conversations=turns("<image><image> same?", "No."))
    assert record.sizes == ((1, 3), (2, 4))
    assert kind_of(record) == "several images"
    told = reason(image=["a.png", "b.png"], conversations=turns("<image> same?", "No <image>."))
    assert told == "the questions have 1 <image> marks, but the record has 2 images"
    assert "2 <image> marks, but the record has 1 image" in reason(image="a.png", conversations=turns("<image><image>", "x"))
    assert "1 <image> marks, but the record has 0 images" in reason(conversations=turns("<image> what?", "x"))


def test_a_mark_in_an_answer_is_text() -> None:
    record = read(image="a.png", conversations=turns("How is it written?", "As <image>."))
    assert texts(record) == ["<image>\nHow is it written?", "As <image>."]


def test_video_and_clip() -> None:
    record = read(video="v.mp4", clip=[1, 2.5], conversations=turns("What happens?", "It ends."))
    assert texts(record)[0] == "<video>\nWhat happens?"
    assert (record.videos, record.clip, kind_of(record)) == ((Path("v.mp4"),), (1.0, 2.5), "video")
    assert texts(read(video="v.mp4", conversations=turns("Watch <video> now", "x")))[0] == "Watch <video> now"
    for clip in ([2, 1], [1], "1-2", [-1, 2], [0, float("nan")], [0, True], [0, 10**400]):
        assert "clip must be [start, end]" in reason(video="v.mp4", clip=clip, conversations=turns("a", "b"))


def test_a_picture_and_a_clip_together_need_their_marks() -> None:
    both = {"image": "a.png", "video": "v.mp4"}
    assert read(**both, conversations=turns("<video> or <image>?", "b")).clip is None
    assert "0 <image> marks" in reason(**both, conversations=turns("Which?", "b"))


def test_grounding() -> None:
    good = "<ref>the cat</ref><box>[[0, 10, 1000, 999]]</box>"
    assert kind_of(read(image="a.png", conversations=turns("Where?", good))) == "grounding"
    # A prompt that explains the format is no box.
    read(image="a.png", conversations=turns("Answer as <box>[[x1, y1, x2, y2]]</box>.", good))
    for box in ("[[0, 0, 1001, 5]]", "[[9, 0, 5, 5]]", "[[0, 9, 5, 5]]", "[[-1, 0, 5, 5]]", "[[1,2,3,4], [5,6,4,8]]"):
        assert "must keep 0 <= x1 <= x2 <= 1000" in reason(image="a.png", conversations=turns("Where?", f"<box>{box}</box>"))
    for box in ("[[1, 2, 3]]", "[[0.1, 0.2, 0.5, 0.6]]"):
        assert "must be 4 whole numbers" in reason(image="a.png", conversations=turns("Where?", f"<box>{box}</box>"))


def test_preference_pairs() -> None:
    record = read(image="a.png", question="What?", chosen="A cat.", rejected="A dog.")
    assert texts(record) == ["<image>\nWhat?", "A cat."]
    assert (record.rejected, kind_of(record)) == ("A dog.", "preference")
    assert reason(question="What?", chosen="A") == "a preference record has `question`, `chosen` and `rejected`; rejected is missing"
    assert "are the same" in reason(question="What?", chosen="A", rejected="A")
    assert "rejected answer is empty" in reason(question="What?", chosen="A", rejected=" ")


def test_sharegpt_and_openai_dialects() -> None:
    plain = [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
    assert [each.role for each in read(messages=plain).utterances] == ["system", "user", "assistant"]
    assert texts(read(system="S", conversations=turns("Q", "A"))) == ["S", "Q", "A"]
    mixed = [{"from": "user", "content": "Q"}, {"role": "gpt", "value": "A"}]
    assert texts(read(conversations=mixed)) == ["Q", "A"]


def test_openai_parts() -> None:
    content = [
        {"type": "text", "text": "Compare"},
        {"type": "image_url", "image_url": {"url": "a.png"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": {"url": "file:///data/my%20b.png"}},
        {"type": "text", "text": "now."},
    ]
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": [{"type": "text", "text": "Done."}]}]
    record = read(messages=messages)
    assert texts(record) == ["Compare\n<image>\n<image>\n<image>\nnow.", "Done."]
    assert record.images == (Path("a.png"), b"\x89PNG fake", Path("/data/my b.png"))


def test_parts_without_a_source_mark_places_of_the_records_own_pictures() -> None:
    user = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Q"}, {"type": "image", "image": None}]}
    record = read(
        images=[{"bytes": b"x", "path": "p"}, {"bytes": None, "path": "p"}], messages=[user, {"role": "assistant", "content": "A"}]
    )
    assert texts(record)[0] == "<image>\nQ\n<image>"
    assert record.images == (b"x", Path("p"))


SAID = {"conversations": turns("a", "b")}
ASKED, ANSWERED = SAID["conversations"]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({}, "this one has none of them, only no field at all"),
        (SAID | {"messages": turns("a", "b")}, "this one has both"),
        ({"conversations": "hello"}, "conversations must be a list of turns, not 'hello'"),
        ({"conversations": []}, "the conversation has no turns"),
        ({"conversations": [{"from": "system", "value": "S"}]}, "the conversation has no turns"),
        ({"conversations": ["a", "b"]}, "turn 1 must be an object"),
        ({"conversations": [{"value": "a"}]}, "turn 1 has neither `from` nor `role`, only value"),
        ({"conversations": [{"from": "bot", "value": "a"}]}, "turn 1 is from 'bot'; known are human, user, gpt"),
        ({"conversations": [{"from": ["human"], "value": "a"}]}, "turn 1 is from ['human']"),
        ({"conversations": [ASKED, {"from": "gpt", "text": "b"}]}, "turn 2 (from gpt) has no `value`; its words"),
        ({"conversations": [ASKED, {"from": "gpt", "value": None}]}, "turn 2 (from gpt) has no `value`"),
        ({"conversations": [ASKED, {"from": "gpt", "value": 5}]}, "turn 2 must be a text, not 5"),
        ({"conversations": [ASKED, {"from": "gpt", "value": "\ud800"}]}, "turn 2 holds half of a surrogate pair"),
        ({"conversations": turns("a", "b")[::-1]}, "turn 1 must be the user's, not the assistant's"),
        ({"conversations": [{"from": "system", "value": "S"}, *turns("a", "b")[::-1]]}, "turn 2 must be the user's"),
        ({"conversations": [*turns("a", "b"), {"from": "system", "value": "S"}]}, "turn 3 must be the user's, not the system's"),
        ({"conversations": turns("a", "b", "c")}, "the last of 3 turns is the user's"),
        ({"conversations": turns("a", " \n")}, "turn 2: the answer is empty"),
        (SAID | {"image": 5}, "image must be a path, bytes, or an object"),
        (SAID | {"image": ["a.png", None]}, "image must be a path"),
        (SAID | {"image": "https://x.org/a.png"}, "lies on the network: download it first"),
        (SAID | {"image": "s3://bucket/a.png"}, "lies on the network"),
        (SAID | {"image": "data:image/png,abc"}, "a data: URL without base64"),
        (SAID | {"image": "data:image/png;base64,a!c"}, "base64 content is damaged"),
        (SAID | {"image": b""}, "image has 0 bytes"),
        (SAID | {"image": "a.png", "width": 5}, "width and height go together"),
        (SAID | {"image": "a.png", "width": "5", "height": 5}, "width must be a whole number from 1 on, not '5'"),
        (SAID | {"image": "a.png", "width_list": [5, 5], "height_list": [5, 5]}, "2 widths are given for 1 images"),
        (SAID | {"length": -1}, "length must be a whole number from 0 on"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "turn 1: no use for a part of type 'input_audio'"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "turn 1: a part is an object with a `type`"),
        ({"messages": [{"role": "assistant", "content": [{"type": "image", "image": "a"}]}]}, "turn 1: the assistant shows images"),
        (
            {"image": "b", "messages": [{"role": "user", "content": [{"type": "image", "path": "a"}]}, ANSWERED]},
            "images stand both in the messages (1) and beside them (1)",
        ),
    ],
)  # fmt: skip
def test_each_fault_has_its_reason(raw: dict[str, Any], told: str) -> None:
    assert told in reason(**raw)


def test_the_examples_of_the_documentation_are_records() -> None:
    page = Path(__file__).parents[3] / "docs" / "data.md"
    lines = [text for text in page.read_text("utf-8").splitlines() if text.startswith("{") and "reason" not in text and len(text) > 1]
    kinds = {kind_of(read_record(json.loads(text), ORIGIN)) for text in lines}
    assert kinds == {"text", "image", "several images", "video", "grounding", "preference"}


@pytest.mark.parametrize("raw", [None, 5, "text", [1]])
def test_what_is_no_object_is_no_record(raw: object) -> None:
    with pytest.raises(RecordError, match="a record is a JSON object"):
        read_record(raw, ORIGIN)


def test_a_root_goes_before_relative_paths_only() -> None:
    record = rooted(read(image=["a.png", "/b.png", b"c"], conversations=turns("<image><image><image>", "x")), Path("/data"))
    assert record.images == (Path("/data/a.png"), Path("/b.png"), b"c")
