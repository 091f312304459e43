"""Clients of the load test: each sends one case as it is meant to be sent, and tells what came back and when.

Case --httpx--> Outcome: status, texts of all choices, seconds to the first token and in all, how often it was turned away before
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from benchmarks.load_cases import Case

PATIENCE_S = 300.0


@dataclass(kw_only=True)
class Outcome:
    """What one request came to. first_s is None where nothing was streamed."""

    case: Case
    status: int = 0
    texts: list[str] = field(default_factory=list)
    first_s: float | None = None
    whole_s: float = 0.0
    turned_away: int = 0
    error: str = ""
    usage: dict[str, Any] = field(default_factory=dict)

    def fault(self, wanted: str | None) -> str | None:
        """What is wrong with it, None if nothing is."""
        if self.error:
            return self.error
        if self.case.kind == "cut":
            return None
        if self.status not in self.case.statuses:
            return f"status {self.status} instead of {self.case.statuses}"
        if self.status != 200 or wanted is None:
            return None
        choices = self.case.body.get("n", 1)
        if len(self.texts) != choices:
            return f"{len(self.texts)} answers instead of {choices}"
        wrong = [text for text in self.texts if text != wanted]
        return f"answered {wrong[0]!r} instead of {wanted!r}" if wrong else None


async def run_all(url: str, order: list[Case], *, together: int) -> list[Outcome]:
    """All cases, at most `together` at a time."""
    gate = asyncio.Semaphore(together)
    limits = httpx.Limits(max_connections=together + 8)
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, limits=limits, trust_env=False) as client:

        async def one(case: Case) -> Outcome:
            async with gate:
                return await send(client, case)

        return await asyncio.gather(*(one(case) for case in order))


async def send(client: httpx.AsyncClient, case: Case) -> Outcome:
    """One case; who is turned away because the queue is full comes again."""
    outcome = Outcome(case=case)
    began = time.perf_counter()
    while True:
        try:
            await _once(client, case, outcome)
        except httpx.HTTPError as error:
            outcome.error = f"{type(error).__name__}: {error}"
        if outcome.status != 429 or outcome.turned_away > 1000:
            break
        outcome.turned_away += 1
        await asyncio.sleep(0.2)
        began = time.perf_counter()
    outcome.whole_s = time.perf_counter() - began
    return outcome


async def _once(client: httpx.AsyncClient, case: Case, outcome: Outcome) -> None:
    if case.pieces == 0:
        return await _hang_up_at_once(client, case)
    content = _slow_body(case.delay_s) if case.raw == b"" else case.raw or json.dumps(case.body).encode()
    began = time.perf_counter()
    async with client.stream("POST", case.path, content=content, headers={"content-type": "application/json"}) as response:
        outcome.status = response.status_code
        if response.status_code != 200 or not case.body.get("stream"):
            data = json.loads(await response.aread())
            outcome.usage = data.get("usage", {})
            outcome.texts = [
                choice["message"]["content"] if "message" in choice else choice["text"] for choice in data.get("choices", [])
            ]
            return None
        return await _read_stream(response, case, outcome, began)


async def _read_stream(response: httpx.Response, case: Case, outcome: Outcome, began: float) -> None:
    text, pieces, ended = "", 0, False
    async for line in response.aiter_lines():
        if line == "data: [DONE]":
            ended = True
        if not line.startswith("data: {"):
            continue
        chunk = json.loads(line[6:])
        if "error" in chunk:
            outcome.error = chunk["error"]["message"]
        said = "".join(choice["delta"].get("content", "") for choice in chunk.get("choices", []))
        if said:
            pieces += 1
            outcome.first_s = outcome.first_s or time.perf_counter() - began
        text += said
        if case.pieces is not None and pieces >= case.pieces:
            return
        await asyncio.sleep(case.delay_s)
    outcome.texts = [text]
    if not ended:
        outcome.error = "the stream has no end"


async def _hang_up_at_once(client: httpx.AsyncClient, case: Case) -> None:
    task = asyncio.ensure_future(client.post(case.path, json=case.body))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _slow_body(delay_s: float) -> AsyncIterator[bytes]:
    """A body that begins and never goes on."""
    yield b'{"model": '
    for _ in range(8):
        await asyncio.sleep(delay_s)
        yield b" "
