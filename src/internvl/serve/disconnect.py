"""Work that ends when its client goes away, and server-sent events that do the same.

receive() == http.disconnect --> the task is cancelled --> its generators close --> the engine frees the slot
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from internvl.serve.errors import ApiError, too_slow

Result = TypeVar("Result")
LAST_WORDS_S = 5.0


def client_gone() -> ApiError:
    """Nobody reads it; metrics count it."""
    return ApiError("the client went away", status=499, code="client_closed_request")


@dataclass(frozen=True)
class Deadline:
    """When the time of a request is up, by the event loop's clock."""

    timeout_s: float
    started: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    @property
    def left_s(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self.timeout_s - self.passed_s)

    @property
    def passed_s(self) -> float:
        """Seconds since the request came."""
        return asyncio.get_running_loop().time() - self.started


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, Result], deadline: Deadline) -> Result:
    """The result of `work`; if the client goes away or time is up first, `work` is cancelled. Raises ApiError 499, 504."""
    task = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_disconnect(receive))
    try:
        done, _ = await asyncio.wait({task, watcher}, timeout=deadline.left_s, return_when=asyncio.FIRST_COMPLETED)
        if task not in done:
            raise client_gone() if done else too_slow(deadline.timeout_s)
        return task.result()
    finally:
        for each in (task, watcher):
            each.cancel()
        # Waited for, so that the slot is free when this returns.
        await asyncio.gather(task, watcher, return_exceptions=True)


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class EventStream(Response):
    """A response of server-sent events. `held` is closed when it ends, however it ends."""

    media_type = "text/event-stream"

    def __init__(self, lines: AsyncGenerator[str, None], held: AsyncExitStack, deadline: Deadline, on_gone: Callable[[], None]) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._lines, self._held, self._deadline, self._on_gone = lines, held, deadline, on_gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            try:
                # A little beyond the deadline, so that the lines themselves can say that time is up.
                late = replace(self._deadline, timeout_s=self._deadline.timeout_s + LAST_WORDS_S)
                await unless_gone(receive, self._send_all(send), late)
            except ApiError:
                # Gone, or so slow a reader that its time is up: the connection is all that is left to end.
                self._on_gone()

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._lines) as lines:
            async for line in lines:
                await send({"type": "http.response.body", "body": f"data: {line}\n\n".encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
