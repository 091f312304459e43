"""A service behind a URL: what is sent, what is tried again, what stops a run, and that the key stays where it belongs."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import PIL.Image
import pytest
from eval_toy import Sums, lines_of, write_sums

from chat_service import ChatService, Reply, question_of, says
from internvl.errors import MediaError
from internvl.eval.errors import EvalError, GeneratorError
from internvl.eval.generator import Ask, PartlyAnswered
from internvl.eval.generators import chat_body as chat_body_module
from internvl.eval.generators.chat_body import chat_body
from internvl.eval.generators.remote import RemoteGenerator, completions_url, key_from, public_url, retry_after_s
from internvl.eval.runner import run_task
from internvl.eval.task import Decoding, Protocol
from internvl.media.video import Clip
from internvl.messages import Box, Image, Ref, Video, assistant, system, user

KEY = "sk-secret-0123"
PROTOCOL = Protocol(max_tiles=6, decoding=Decoding(max_new_tokens=20))


def ask(text: str = "hello", **options: Any) -> Ask:
    return Ask(messages=(user(text),), protocol=PROTOCOL, **options)


@pytest.fixture
def service() -> Iterator[ChatService]:
    server = ChatService()
    yield server
    server.close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def remote(service: ChatService, waits: list[float]) -> RemoteGenerator:
    return RemoteGenerator(service.url, "big-model", KEY, in_flight=4, timeout_s=5, tries=4, sleep=waits.append)


def test_a_question_and_its_answer(service: ChatService, remote: RemoteGenerator) -> None:
    [answer] = remote.generate([ask("hello")])
    assert (answer.text, answer.prompt_tokens, answer.new_tokens) == ("hello", 7, 3)
    assert answer.seconds > 0
    assert service.bodies == [
        {"model": "big-model", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 20, "temperature": 0.0}
    ]
    assert service.headers[0]["path"] == "/v1/chat/completions"
    assert service.headers[0]["authorization"] == f"Bearer {KEY}"


def test_many_are_asked_at_once_and_answered_in_order(service: ChatService, remote: RemoteGenerator) -> None:
    def slow(body: dict[str, Any], _: int) -> Reply:
        time.sleep(0.05)
        return says(question_of(body))

    service.reply = slow
    answers = remote.generate([ask(str(i)) for i in range(12)])
    assert [answer.text for answer in answers] == [str(i) for i in range(12)]
    assert 2 <= service.most_under_way <= 4


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_passing_trouble_is_tried_again(service: ChatService, remote: RemoteGenerator, waits: list[float], status: int) -> None:
    service.reply = lambda body, times: (status, {}, "busy") if times < 3 else says("at last")
    assert remote.generate([ask()])[0].text == "at last"
    assert len(waits) == 2
    assert 0.5 <= waits[0] <= 1.0 <= waits[1] <= 2.0


def test_retry_after_is_honoured(service: ChatService, remote: RemoteGenerator, waits: list[float]) -> None:
    service.reply = lambda body, times: (429, {"retry-after": "17"}, "slow down") if times == 1 else says("ok")
    remote.generate([ask()])
    assert waits == [17.0]


@pytest.mark.parametrize("content", ["<html>", "[]", '{"choices": []}', '{"choices": [{"message": {}}]}', "[" * 100_000])
def test_a_garbled_reply_is_tried_again(service: ChatService, remote: RemoteGenerator, content: str) -> None:
    service.reply = lambda body, times: (200, {}, content) if times == 1 else says("ok")
    assert remote.generate([ask()])[0].text == "ok"


def test_a_timeout_is_tried_again(service: ChatService, waits: list[float]) -> None:
    def hangs(body: dict[str, Any], times: int) -> Reply:
        if times == 1:
            time.sleep(0.6)
        return says("ok")

    service.reply = hangs
    hasty = RemoteGenerator(service.url, "m", timeout_s=0.2, sleep=waits.append)
    assert hasty.generate([ask()])[0].text == "ok"
    assert len(waits) == 1


def test_trouble_that_does_not_pass_fails_that_question(service: ChatService, remote: RemoteGenerator, waits: list[float]) -> None:
    service.reply = lambda body, times: (500, {}, "boom") if question_of(body) == "b" else says("fine")
    with pytest.raises(PartlyAnswered) as caught:
        remote.generate([ask("a"), ask("b"), ask("c")])
    first, second, third = caught.value.outcomes
    assert [getattr(each, "text", None) for each in (first, third)] == ["fine", "fine"]
    assert isinstance(second, GeneratorError)
    assert "4 tries: HTTP 500 boom" in str(second)
    assert len(waits) == 3
    assert sum(question_of(body) == "a" for body in service.bodies) == 1, "what was answered is not asked again"


def test_a_refused_question_is_not_repeated(service: ChatService, remote: RemoteGenerator, waits: list[float]) -> None:
    service.reply = lambda *_: (400, {}, "context too long")
    with pytest.raises(GeneratorError, match="HTTP 400 context too long"):
        remote.generate([ask()])
    assert (len(service.bodies), waits) == (1, [])


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_client_stops_the_run_without_its_key(service: ChatService, remote: RemoteGenerator, status: int) -> None:
    service.reply = lambda *_: (status, {}, f"Incorrect key {KEY}")
    with pytest.raises(EvalError, match=rf"refuses: HTTP {status} Incorrect key \*\*\*") as caught:
        remote.generate([ask("a"), ask("b")])
    assert not isinstance(caught.value, GeneratorError)
    assert KEY not in str(caught.value)


def test_nobody_there_stops_the_run(waits: list[float]) -> None:
    absent = RemoteGenerator("http://127.0.0.1:9/v1", "m", tries=2, sleep=waits.append)
    with pytest.raises(EvalError, match=r"nobody answers at http://127.0.0.1:9") as caught:
        absent.generate([ask()])
    assert not isinstance(caught.value, GeneratorError)


@pytest.mark.parametrize(("content", "text"), [(None, ""), ([{"type": "text", "text": "a"}, {"text": "b"}, {}], "ab"), ("", "")])
def test_odd_answers_are_read(service: ChatService, remote: RemoteGenerator, content: Any, text: str) -> None:
    service.reply = lambda *_: says(content, usage=None)
    [answer] = remote.generate([ask()])
    assert (answer.text, answer.new_tokens) == (text, 0)


def test_a_run_through_a_shaky_service(service: ChatService, tmp_path: Path, waits: list[float]) -> None:
    """Every third request fails in passing, one question for good: each sample is there once, and the key nowhere."""
    root = write_sums(tmp_path / "data", 20)
    count = iter(range(10_000))

    def shaky(body: dict[str, Any], _: int) -> Reply:
        if question_of(body) == "9 + 4":
            return 400, {}, "no"
        left, _, right = question_of(body).partition(" + ") if "+" in question_of(body) else ("0", "", "0")
        return (429, {}, "busy") if next(count) % 3 == 0 else says(str(int(left) + int(right)))

    service.reply = shaky
    remote = RemoteGenerator(service.url, "big-model", KEY, in_flight=8, tries=20, sleep=waits.append)
    result = run_task(Sums(), remote, root=root, out=tmp_path / "out")
    rows = lines_of(result)
    assert [row["row"] for row in rows] == list(range(1, 21))
    assert [row["id"] for row in rows if "error" in row["score"]] == ["s9·é"]
    assert result.headline == 95.0
    assert result.usage["new_tokens"] == sum(3 * len(row["answers"]) for row in rows)
    assert waits
    assert result.recipe["generator"]["runtime"]["url"] == f"{service.url}/chat/completions"
    assert all(KEY not in path.read_text("utf-8") for path in (tmp_path / "out").rglob("*.json*"))
    assert KEY not in repr(remote)


def test_pictures_travel_as_png(tmp_path: Path) -> None:
    pixels = numpy.arange(30 * 20 * 3, dtype=numpy.uint8).reshape(20, 30, 3)
    path = tmp_path / "a.bmp"
    PIL.Image.fromarray(pixels).save(path)
    messages = (
        system("be short"),
        user("Which ", "one? ", Image(path), "\nthis"),
        assistant("that"),
        user(Ref("dog"), Box(1, 2, 3, 4)),
    )
    body = chat_body(Ask(messages=messages, protocol=PROTOCOL), "m")
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    first, picture, last = body["messages"][1]["content"]
    assert (first, last) == ({"type": "text", "text": "Which one? "}, {"type": "text", "text": "\nthis"})
    kind, _, data = picture["image_url"]["url"].partition(",")
    assert kind == "data:image/png;base64"
    assert numpy.array_equal(numpy.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(data)))), pixels)
    assert body["messages"][3]["content"] == "<ref>dog</ref><box>[[1, 2, 3, 4]]</box>"


def test_clips_travel_as_stills(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[int] = []

    def read_frames(video: Video, *, default_frames: int) -> Clip:
        wanted.append(default_frames)
        stills = tuple(PIL.Image.new("RGB", (4, 4), (i, 0, 0)) for i in range(2))
        return Clip(images=stills, indices=(0, 1), timestamps_s=(0.0, 1.0), fps=1.0, total_frames=2)

    monkeypatch.setattr("internvl.media.video.read_frames", read_frames)
    protocol = Protocol(max_tiles=1, decoding=PROTOCOL.decoding, frames=16)
    [message] = chat_body(Ask(messages=(user(Video("a.mp4"), "What?"),), protocol=protocol), "m")["messages"]
    assert wanted == [16]
    texts = [part.get("text") for part in message["content"]]
    assert texts == ["Frame1: ", None, "\nFrame2: ", None, "\nWhat?"]


def test_an_unreadable_picture_is_its_samples_failure(tmp_path: Path, service: ChatService, remote: RemoteGenerator) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(PartlyAnswered) as caught:
        remote.generate([Ask(messages=(user(Image(tmp_path / "a.png"), "?"),), protocol=PROTOCOL), ask("b")])
    assert isinstance(caught.value.outcomes[0], MediaError)
    assert len(service.bodies) == 1


def test_decoding_is_sent_where_it_can_be() -> None:
    messages = (user("x"),)
    captions = Protocol(max_tiles=6, decoding=Decoding(max_new_tokens=30, min_new_tokens=8, temperature=0.5))
    body = chat_body(Ask(messages=messages, protocol=captions), "m")
    assert (body["max_tokens"], body["min_tokens"], body["temperature"]) == (30, 8, 0.5)
    beams = Protocol(max_tiles=6, decoding=Decoding(max_new_tokens=30, num_beams=5))
    with pytest.raises(EvalError, match="5 beams"):
        chat_body(Ask(messages=messages, protocol=beams), "m")


def test_addresses() -> None:
    assert completions_url("http://a:1/v1/") == "http://a:1/v1/chat/completions"
    assert completions_url("https://a/x/chat/completions?api-version=2") == "https://a/x/chat/completions?api-version=2"
    assert public_url("https://me:pass@host:8/v1?key=1") == "https://host:8/v1"
    for wrong in ("", "localhost:8000", "ftp://x/v1", "file:///etc/passwd"):
        with pytest.raises(EvalError, match="http"):
            completions_url(wrong)


def test_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", KEY)
    assert key_from("A_KEY") == KEY
    assert key_from(None) is None
    monkeypatch.delenv("A_KEY")
    with pytest.raises(EvalError, match="A_KEY is empty"):
        key_from("A_KEY")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("", 0), ("12", 12), ("1.5", 1.5), ("soon", 0), ("Sat, 21 Nov 2026 13:00:10 GMT", 10), ("9" * 5000, 0), ("-3", 0)],
)
def test_retry_after_in_all_its_forms(header: str | None, seconds: float) -> None:
    assert retry_after_s(header, now=1795266000.0) == seconds


def test_one_door_for_pictures() -> None:
    assert chat_body_module.open_image.__module__ == "internvl.media.image"
