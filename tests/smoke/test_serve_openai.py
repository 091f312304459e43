"""The real `openai` client against a real server process: the embedded model, a picture, a stream, and SIGTERM in the middle."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
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
