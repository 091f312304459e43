"""A stand-in for the server behind the page: the same addresses, answers that a test chooses. Not a test module itself.

`with PageServer() as server: ... server.answers = [...]` runs it on a free port; every question it was asked is in `server.asked`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from internvl.serve.config import ServeConfig
from internvl.serve.guard import Guard
from internvl.serve.metrics import Metrics
from internvl.serve.page_files import page_routes

TOKENS_PER_TILE = 256


@dataclass
class Wanted:
    """What the next answers are. pieces: sent one by one; cut: the stream ends before it says why.

    held: the rest waits after the first piece until `server.go_on` is set.
    endless: the last piece is repeated until the client goes.
    """

    pieces: tuple[str, ...] = ("Hello ", "**there**.")
    held: bool = False
    endless: bool = False
    cut: bool = False
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class PageServer:
    """url, and what happened: asked, counted (bodies), hung_up (answers whose client went away)."""

    def __init__(self) -> None:
        self.reset()
        routes = [
            *page_routes(),
            Route("/page/info", self.info),
            Route("/page/count", self.count, methods=["POST"]),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
        ]
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        self.app = Starlette(routes=routes)
        self.metrics = Metrics(lambda: (0, 0))
        self.server = uvicorn.Server(uvicorn.Config(self.guarded, interface="asgi3", log_level="critical", timeout_graceful_shutdown=1))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True)

    def reset(self) -> None:
        self.wanted, self.key = Wanted(), ""
        self.asked: list[dict[str, Any]] = []
        self.counted: list[dict[str, Any]] = []
        self.hung_up = 0
        self.go_on = threading.Event()

    def __enter__(self) -> PageServer:
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=5)
        self.socket.close()

    async def info(self, request: Request) -> Response:
        tiles = {"max_tiles": 12, "dynamic": True}
        limits = {"images": 4, "frames": 64, "media_bytes": 1_000_000}
        return JSONResponse({"model": "internvl-stand-in", "context": 8192, "tiles": tiles, "limits": limits})

    async def count(self, request: Request) -> Response:
        """Every picture is 3 x 2 tiles and an overview, or 1 tile where one was asked for."""
        body = await request.json()
        self.counted.append(body)
        one = body.get("internvl", {}).get("max_tiles") == 1
        picture = {"grid": "1x1", "tiles": 1} if one else {"grid": "3x2", "tiles": 7}
        media: list[dict[str, Any]] = []
        for part in (part for message in body["messages"] if isinstance(message["content"], list) for part in message["content"]):
            if part["type"] == "image_url":
                media.append(picture | {"tokens": picture["tiles"] * TOKENS_PER_TILE})
            elif part["type"] == "video_url":
                media += [{"grid": "1x1", "tiles": 1, "tokens": TOKENS_PER_TILE}] * part["video_url"]["frames"]
        image = sum(each["tokens"] for each in media)
        return JSONResponse({"count": image + 12, "image_tokens": image, "media": media})

    async def chat(self, request: Request) -> Response:
        self.asked.append(await request.json())
        wanted = self.wanted
        if wanted.status != 200:
            return JSONResponse({"error": {"message": "told by the server"}}, wanted.status, wanted.headers)
        return StreamingResponse(self.stream(wanted), media_type="text/event-stream")

    async def stream(self, wanted: Wanted) -> AsyncIterator[bytes]:
        try:
            for piece in wanted.pieces:
                yield event({"choices": [{"delta": {"content": piece}, "finish_reason": None}]})
                while wanted.held and not self.go_on.is_set():
                    await asyncio.sleep(0.01)
            while wanted.endless:
                yield event({"choices": [{"delta": {"content": wanted.pieces[-1]}, "finish_reason": None}]})
                await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            self.hung_up += 1
            raise
        if wanted.cut:
            return
        yield event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        usage = {"prompt_tokens": 1804, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0, "image_tokens": 1792}}
        yield event({"choices": [], "usage": usage}) + b"data: [DONE]\n\n"

    async def guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The server's own guard, with the key that is asked for now."""
        guard = Guard(self.app, config=ServeConfig(api_key=self.key or None), metrics=self.metrics, route_of=lambda path: "other")
        await guard(scope, receive, send)


def event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def wait_until(is_so: Any, timeout_s: float = 5.0) -> None:
    """Poll until `is_so()`; a failure of the caller's own assertion afterwards says what is missing."""
    with contextlib.suppress(TimeoutError):
        deadline = time.monotonic() + timeout_s
        while not is_so():
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.02)
