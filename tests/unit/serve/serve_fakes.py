"""A scheduler that answers from a script, a client for the application around it, and what requests are made of."""

from __future__ import annotations

import atexit
import base64
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import PIL.Image
from fastapi import FastAPI
from starlette.testclient import TestClient

from internvl.engine.logprobs import TokenLogprob
from internvl.engine.request import Reply, Request, Timings, Usage
from internvl.engine.scheduler import Event
from internvl.engine.vlm import VLM
from internvl.errors import NumericError
from internvl.serve.app import create_app
from internvl.serve.config import ServeConfig
from internvl.serve.decoders import Decoders
from internvl.serve.fetch import Fetcher

FIXTURES = Path(__file__).parents[2] / "parity" / "fixtures"
WORDS = ("two ", "small ", "ships")


@dataclass
class FakeScheduler:
    """One word a step for each running request. While `open` is not set, requests wait and nothing is said."""

    words: tuple[str, ...] = WORDS
    submitted: list[Request] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    answers: dict[int, int] = field(default_factory=dict)
    open: threading.Event = field(default_factory=threading.Event)
    refuse: Callable[[Request], None] = lambda request: None
    crash: type[BaseException] | None = None
    poison: str = "POISON"

    def __post_init__(self) -> None:
        self.open.set()

    def submit(self, request: Request) -> int:
        self.refuse(request)
        self.submitted.append(request)
        ticket = len(self.submitted) - 1
        self.answers[ticket] = 0
        return ticket

    def cancel(self, ticket: int) -> None:
        self.cancelled.append(ticket)
        self.answers.pop(ticket, None)

    def step(self) -> list[Event]:
        if self.crash is not None:
            raise self.crash("the weights are gone at 0x7f00deadbeef")
        if not self.open.wait(0.005):
            return []
        time.sleep(0.001)  # a model is never so fast that its thread leaves no time to others
        return [self._next(ticket) for ticket in list(self.answers)]

    @property
    def idle(self) -> bool:
        return not self.answers

    @property
    def running(self) -> int:
        return len(self.answers)

    @property
    def waiting(self) -> int:
        return 0

    def _next(self, ticket: int) -> Event:
        said = self.answers[ticket]
        self.answers[ticket] += 1
        if self.poison in self.submitted[ticket].params.stop:
            del self.answers[ticket]
            return Event(ticket, error=NumericError("the model's best score is nan"))
        last = said + 1 == len(self.words)
        if last:
            del self.answers[ticket]
        return Event(ticket, self.words[said], (1,), self._told(ticket), reply=self._reply(ticket) if last else None)

    def _told(self, ticket: int) -> tuple[TokenLogprob, ...] | None:
        top = self.submitted[ticket].params.logprobs
        return None if top is None else (TokenLogprob(65, -0.5, tuple((66 + each, -1.0 - each) for each in range(top))),)

    def _reply(self, ticket: int) -> Reply:
        inputs = self.submitted[ticket].inputs
        return Reply(
            text="".join(self.words),
            ids=(1,) * len(self.words),
            finish_reason="stop",
            usage=Usage(
                prompt_tokens=inputs.tokens,
                visual_tokens=inputs.visual_tokens,
                tiles=inputs.tiles,
                cached_tokens=3,
                answer_tokens=len(self.words),
            ),
            timings=Timings(encode_s=0.0, prefill_s=0.0, first_token_s=0.01, decode_s=0.01),
        )


@cache
def tiny() -> VLM:
    """A model with random weights; only its processor is used beside a fake scheduler."""
    return VLM.load(FIXTURES / "internvl2-qwen2", device="cpu")


MODEL = "internvl2-qwen2"


class SharedDecoders(Decoders):
    """Decoder processes that outlive the application of one test: starting them takes longer than most tests."""

    def close(self) -> None:
        pass


@cache
def decoders(**config: Any) -> Decoders:
    shared = SharedDecoders(ServeConfig(**{"workers": 1, **config}))
    atexit.register(Decoders.close, shared)
    return shared


def app_of(scheduler: FakeScheduler, *, fetcher: Fetcher | None = None, **config: Any) -> FastAPI:
    decoding = {
        name: value for name, value in config.items() if name in ("max_pixels", "max_frames", "decoder_bytes", "decode_timeout_s")
    }
    return create_app(tiny(), ServeConfig(**config), scheduler=scheduler, fetcher=fetcher, decoders=decoders(**decoding))


@contextmanager
def client_of(scheduler: FakeScheduler | None = None, *, fetcher: Fetcher | None = None, **config: Any) -> Iterator[TestClient]:
    app = app_of(scheduler or FakeScheduler(), fetcher=fetcher, **config)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


def body(*parts: Any, **fields: Any) -> dict[str, Any]:
    """A chat request with one user message of these parts; one string is a plain text."""
    content = parts[0] if len(parts) == 1 and isinstance(parts[0], str) else [as_part(part) for part in parts]
    return {"model": MODEL, "messages": [{"role": "user", "content": content}], **fields}


def as_part(part: Any) -> Any:
    return {"type": "text", "text": part} if isinstance(part, str) else part


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def shown(data: bytes, kind: str = "image/png", **fields: Any) -> dict[str, Any]:
    """An image part."""
    return {"type": "image_url", "image_url": {"url": data_url(data, kind), **fields}}


def linked(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def png(width: int = 64, height: int = 48, mode: str = "RGB", kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    PIL.Image.new(mode, (width, height), 77 if mode in ("L", "I;16", "1", "P") else None or 0).save(stream, kind)
    return stream.getvalue()


def survives(client: TestClient) -> bool:
    """Whether the server is healthy and answers the next request."""
    answer = client.post("/v1/chat/completions", json=body("Again?"))
    return client.get("/health").status_code == 200 and answer.status_code == 200
