"""The real `openai` client against a real server process: the embedded model, a picture, a stream, and SIGTERM in the middle."""

from __future__ import annotations

import base64
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import PIL.Image
import pytest

openai = pytest.importorskip("openai")
ROOT = Path(__file__).parents[2]
KEY = "a-key-of-the-test"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process of `internvl serve` and its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["serve", "--port", str(port), "--api-key-env", "TEST_SERVE_KEY", "--max-tiles", "2", "--device", "cpu"]
    environment = {**os.environ, "TEST_SERVE_KEY": KEY, "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen([sys.executable, "-m", "internvl", *words], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        _wait_until_ready(process, f"http://127.0.0.1:{port}")
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[str], url: str) -> None:
    for _ in range(600):
        if process.poll() is not None:
            pytest.fail(f"the server ended: {process.stderr.read() if process.stderr else ''}")
        try:
            if httpx.get(f"{url}/ready", headers={"authorization": f"Bearer {KEY}"}).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail("the server did not become ready")


def test_every_field_that_the_docs_name(server: tuple[subprocess.Popen[str], str]) -> None:
    _, url = server
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0)
    name = client.models.list().data[0].id
    assert client.models.retrieve(name).id == name

    def ask(*parts: object, **fields: object) -> object:
        content = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
        settings = {"max_completion_tokens": 6, "temperature": 0, **fields}
        return client.chat.completions.create(model=name, messages=[{"role": "user", "content": content}], **settings)

    picture = (ROOT / "examples" / "sign.png").read_bytes()
    details = {detail: ask("?", _picture(picture, detail)).usage.prompt_tokens_details for detail in ("low", "auto", "high")}  # type: ignore[attr-defined]
    assert details["low"].image_tiles == 1
    assert details["high"].image_tiles >= details["auto"].image_tiles >= 1
    two = ask("Which?", _picture(picture, "low"), _picture((ROOT / "examples" / "number.png").read_bytes(), "low"), n=2)
    assert (len(two.choices), two.usage.prompt_tokens_details.image_tiles) == (2, 2)  # type: ignore[attr-defined]
    wide = ask("?", _picture(picture, "auto"), extra_body={"internvl": {"max_tiles": 1}})
    assert wide.usage.prompt_tokens_details.image_tiles == 1  # type: ignore[attr-defined]
    for kind, data in (("image/gif", _animation()), ("video/mp4", _mp4())):
        shown = ask("What moves?", {"type": "video_url", "video_url": {"url": _data_url(data, kind), "frames": 3}})
        assert shown.usage.prompt_tokens_details.image_tiles == 3  # type: ignore[attr-defined]

    again = [ask("Tell me a story.", temperature=1.0, seed=5).choices[0].message.content for _ in range(2)]  # type: ignore[attr-defined]
    assert again[0] == again[1]
    plain = {"model": name, "prompt": "1, 2, 3, 4, 5,", "max_tokens": 5, "temperature": 0}
    whole = client.completions.create(**plain, logprobs=2)
    chunks = list(client.completions.create(**plain, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == whole.choices[0].text
    assert chunks[-1].usage.completion_tokens == len(whole.choices[0].logprobs.tokens) == 5
    assert whole.choices[0].logprobs.text_offset[0] == 0
    said = whole.choices[0].text
    stopped = client.completions.create(**plain, stop=[said[3:6]]).choices[0]
    assert (stopped.text, stopped.finish_reason) == (said[: said.index(said[3:6])], "stop")

    counted = client.post(f"{url}/tokenize", body={"messages": [{"role": "user", "content": "Hello"}]}, cast_to=object)
    assert counted["count"] == ask("Hello").usage.prompt_tokens  # type: ignore[index,attr-defined]
    answer = ask("Hello").choices[0].message  # type: ignore[attr-defined]
    turns = [{"role": "user", "content": "Hello"}, answer, {"role": "user", "content": "Go on"}]
    assert client.chat.completions.create(model=name, messages=turns, max_tokens=2).choices
    for refused in (
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"presence_penalty": 1.0},
        {"logit_bias": {"5": 100}},
    ):
        with pytest.raises(openai.BadRequestError, match="is not supported: "):
            ask("?", **refused)
    for refused in ({"echo": True}, {"suffix": "the end"}, {"best_of": 3}):
        with pytest.raises(openai.BadRequestError, match="is not supported: "):
            client.completions.create(**plain, **refused)
    with pytest.raises(openai.BadRequestError, match="made_up"):
        ask("?", extra_body={"made_up": 1})


def _data_url(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _picture(data: bytes, detail: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": _data_url(data, "image/png"), "detail": detail}}


def _animation() -> bytes:
    frames = [PIL.Image.new("L", (40, 40), 60 * each) for each in range(4)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


def _mp4() -> bytes:
    av = pytest.importorskip("av")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(8):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode())
    return file.getvalue()


def test_the_real_client_asks_streams_and_is_refused(server: tuple[subprocess.Popen[str], str]) -> None:
    process, url = server
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0)
    name = client.models.list().data[0].id
    picture = "data:image/png;base64," + base64.b64encode((ROOT / "examples" / "sign.png").read_bytes()).decode()
    parts = [{"type": "text", "text": "What does the sign say?"}, {"type": "image_url", "image_url": {"url": picture}}]
    asked = {"model": name, "messages": [{"role": "user", "content": parts}], "max_tokens": 8, "temperature": 0}
    whole = client.chat.completions.create(**asked, logprobs=True, top_logprobs=2)
    said = whole.choices[0].message.content
    assert said
    assert whole.usage.prompt_tokens_details.image_tokens > 0
    first = whole.choices[0].logprobs.content[0]
    assert first.logprob <= 0
    assert len(first.top_logprobs) == 2

    chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == said
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens > 0, "the same question was read before"

    assert client.completions.create(model=name, prompt="The", max_tokens=3, temperature=0).choices[0].finish_reason
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(**{**asked, "temperature": 9})
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model=name, messages=[
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1/x"}}]}
        ])  # fmt: skip
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(**{**asked, "model": "gpt"})
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{url}/v1", api_key="no", max_retries=0).models.list()
    _finishes_what_runs(process, client, asked)


def _finishes_what_runs(process: subprocess.Popen[str], client: object, asked: dict[str, object]) -> None:
    """SIGTERM while an answer is streamed: the answer is completed, then the process ends."""
    stream = client.chat.completions.create(**{**asked, "max_tokens": 64}, extra_body={"repetition_penalty": 1.3}, stream=True)  # type: ignore[attr-defined]
    next(stream)
    process.send_signal(signal.SIGTERM)
    assert list(stream)[-1].choices[0].finish_reason in ("stop", "length")
    process.wait(timeout=30)
    assert KEY not in (process.stderr.read() if process.stderr else "")
