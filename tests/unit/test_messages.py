"""Messages as plain data: what is refused, and why."""

from __future__ import annotations

import pytest

from internvl import Box, Image, Message, Ref, Video
from internvl.errors import InternVLError, PromptError
from internvl.messages import VideoSampling, as_messages, assistant, system, user


def test_builders() -> None:
    assert user("Hi", Image("a.png")) == Message("user", ("Hi", Image("a.png")))
    assert assistant("Hello") == Message("assistant", ("Hello",))
    assert system("Be brief.") == Message("system", ("Be brief.",))


def test_text_and_media_of_a_message() -> None:
    picture, clip = Image("a.png"), Video("b.mp4", frames=2)
    message = user("Look ", picture, Ref("cat"), " and ", clip, Box(0, 0, 1, 1), "!")
    assert message.text == "Look  and !"
    assert message.media == (picture, clip)


def test_every_form_of_a_question() -> None:
    assert as_messages("Hi") == as_messages(user("Hi")) == as_messages([user("Hi")]) == (user("Hi"),)


@pytest.mark.parametrize("part", [3, None, b"x", ["Hi"], {"type": "text"}])
def test_parts_of_another_type(part: object) -> None:
    with pytest.raises(PromptError, match=type(part).__name__):
        Message("user", (part,))  # type: ignore[arg-type]


def test_roles() -> None:
    with pytest.raises(PromptError, match="'tool'"):
        Message("tool", ("Hi",))  # type: ignore[arg-type]
    for role in ("assistant", "system"):
        with pytest.raises(PromptError, match=f"not in a {role} message"):
            Message(role, (Image("a.png"),))


@pytest.mark.parametrize(
    "sampling",
    [{"frames": 0}, {"frames": -3}, {"fps": 0.0}, {"fps": float("nan")}, {"fps": 1e9}, {"start_s": 4.0, "end_s": 4.0}],
)
def test_impossible_sampling(sampling: dict) -> None:
    with pytest.raises(PromptError):
        VideoSampling(**sampling)
    with pytest.raises(InternVLError):
        Video("a.mp4", **sampling)


@pytest.mark.parametrize("corners", [(-1, 0, 5, 5), (0, 0, 1001, 5), (6, 0, 5, 5), (0, 6, 5, 5)])
def test_impossible_boxes(corners: tuple[int, int, int, int]) -> None:
    with pytest.raises(PromptError, match="thousandths"):
        Box(*corners)


def test_a_clip_shows_what_it_is_without_its_bytes() -> None:
    assert "1000000 bytes" in repr(Video(bytes(1_000_000)))
    assert "clip.mp4" in repr(Video("clip.mp4"))
