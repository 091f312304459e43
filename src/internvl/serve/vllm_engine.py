"""Answers from a vLLM server behind this one: the same events that our own loop brings, so that nothing else knows the difference.

    VllmRequest --POST, a stream--> server-sent events --event_of--> Event, the last with its Reply

With the first piece vLLM says what the prompt cost. Where that is not what we counted, its version has another tile policy or template,
and the request fails: an answer to another prompt would look like an answer.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from internvl.engine.logprobs import TokenLogprob
from internvl.engine.request import Reply, Timings, Usage
from internvl.engine.scheduler import Event
from internvl.errors import MissingDependencyError
from internvl.serve.errors import ApiError, unavailable
from internvl.serve.vllm_process import VllmProcess
from internvl.serve.vllm_request import VllmRequest

if TYPE_CHECKING:
    import httpx

MAX_LINE = 1 << 22
TOKEN_ID = "token_id:"
log = logging.getLogger("internvl.serve")


class VllmEngine:
    """An `Answerer`. url: of the vLLM server, without /v1; model: its name there; key: what it asks for; process: if it runs here."""

    def __init__(self, url: str, *, model: str, key: str | None, process: VllmProcess | None = None) -> None:
        self.url, self.model, self.key, self.process = url.rstrip("/"), model, key, process
        self._tickets = itertools.count(1)
        self._open: set[int] = set()
        self._closing = False
        self._client: httpx.AsyncClient | None = None

    def start(self) -> None:
        """Begin to take requests."""
        httpx = httpx_of_extra()
        headers = {} if self.key is None else {"authorization": f"Bearer {self.key}"}
        # No timeout for reading: the request's own deadline holds. Nothing of the environment: a proxy has no business here.
        timeout = httpx.Timeout(10.0, read=None)
        limits = httpx.Limits(max_connections=None)
        self._client = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=timeout, limits=limits, trust_env=False)

    def close(self) -> None:
        """End, and the process with it."""
        self._closing = True
        if self.process is not None:
            self.process.end()

    @property
    def alive(self) -> bool:
        """Whether requests are taken."""
        return self._client is not None and not self._closing and not self.broken

    @property
    def broken(self) -> bool:
        """Whether the process ended without being asked to."""
        return not self._closing and self.process is not None and self.process.ended

    @property
    def counts(self) -> tuple[int, int]:
        """Requests at vLLM; which of them wait there is its own affair."""
        return len(self._open), 0

    async def submit(self, request: VllmRequest) -> AsyncGenerator[Event, None]:
        """The events of one request. Closing the generator closes the connection, which makes vLLM stop."""
        if self._client is None or not self.alive:
            raise unavailable("vLLM ended; the server's log says why" if self.broken else "the server is stopping")
        ticket = next(self._tickets)
        self._open.add(ticket)
        httpx = httpx_of_extra()
        try:
            answer = _Answer(ticket, request)
            body = {**request.body, "model": self.model, "n": 1}
            async with self._client.stream("POST", request.path, json=body) as response:
                await _check(response)
                async for chunk in _chunks(response.aiter_lines()):
                    event = answer.event_of(chunk)
                    if event is not None:
                        yield event
                yield answer.last()
        except httpx.HTTPError as error:
            log.warning("vLLM can't be reached: %s", error)
            raise unavailable("the engine behind this server can't be reached") from None
        finally:
            self._open.discard(ticket)


@dataclass
class _Answer:
    """One answer that vLLM is writing."""

    ticket: int
    request: VllmRequest
    started: float = field(default_factory=time.perf_counter)
    first_token_s: float = 0.0
    text: str = ""
    finish_reason: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    logprobs: list[TokenLogprob] = field(default_factory=list)

    def event_of(self, chunk: Mapping[str, Any]) -> Event | None:
        """What a chunk brings. Raises ApiError for an error within the stream, and where the prompt is not the one that was meant."""
        if "error" in chunk:
            log.error("vLLM failed: %.500s", chunk["error"])
            raise _engine_failed()
        if chunk.get("usage"):
            self.usage = chunk["usage"]
            self._check_prompt()
        choices = chunk.get("choices") or []
        if not choices:
            return None
        choice = choices[0]
        text = (choice.get("delta") or {}).get("content") if self.request.chat else choice.get("text")
        told = _told(choice.get("logprobs"), chat=self.request.chat)
        if text or told:
            self.first_token_s = self.first_token_s or time.perf_counter() - self.started
        self.text += text or ""
        self.logprobs += told
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        return Event(self.ticket, text or "", logprobs=tuple(told) if told else None)

    def last(self) -> Event:
        """The event with the reply. Raises ApiError when the stream ended too early."""
        if self.finish_reason not in ("stop", "length") or not self.usage:
            log.error("vLLM's stream ended with %r", self.finish_reason)
            raise _engine_failed()
        passed_s = time.perf_counter() - self.started
        details = self.usage.get("prompt_tokens_details") or {}
        usage = Usage(
            prompt_tokens=self.request.prompt_tokens,
            visual_tokens=self.request.visual_tokens,
            tiles=self.request.tiles,
            cached_tokens=details.get("cached_tokens") or 0,
            answer_tokens=self.usage.get("completion_tokens") or 0,
        )
        timings = Timings(encode_s=0.0, prefill_s=0.0, first_token_s=self.first_token_s, decode_s=passed_s - self.first_token_s)
        reply = Reply(
            text=self.text,
            ids=(),
            finish_reason="stop" if self.finish_reason == "stop" else "length",
            usage=usage,
            timings=timings,
            logprobs=tuple(self.logprobs) or None,
        )
        return Event(self.ticket, reply=reply)

    def _check_prompt(self) -> None:
        read = self.usage.get("prompt_tokens")
        if read != self.request.prompt_tokens:
            log.error("vLLM read %s prompt tokens where %d were counted", read, self.request.prompt_tokens)
            raise ApiError(
                f"vLLM read the prompt as {read} tokens, and it has {self.request.prompt_tokens}: "
                "its version has another tile policy or template for this checkpoint",
                status=502,
                code="engine_mismatch",
            )


async def _check(response: httpx.Response) -> None:
    """Raise ApiError unless the stream began. What vLLM says about it goes into the log only."""
    if response.status_code == 200:
        return
    said = await response.aread()
    log.error("vLLM answered %d: %.500s", response.status_code, said)
    if response.status_code in (429, 503):
        raise unavailable("the engine behind this server is busy or starting")
    raise _engine_failed()


async def _chunks(lines: AsyncIterator[str]) -> AsyncIterator[Mapping[str, Any]]:
    """The JSON of each event until [DONE]."""
    async for line in lines:
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:"):
            continue
        if data == "[DONE]":
            return
        if len(data) > MAX_LINE:
            raise _engine_failed()
        try:
            chunk = json.loads(data)
        except ValueError:
            raise _engine_failed() from None
        yield chunk if isinstance(chunk, dict) else {}


def _told(logprobs: Any, *, chat: bool) -> list[TokenLogprob]:
    """Log-probabilities by token id, from either form of OpenAI's."""
    if not logprobs:
        return []
    if chat:
        return [
            TokenLogprob(
                _id(entry["token"]), entry["logprob"], tuple((_id(top["token"]), top["logprob"]) for top in entry["top_logprobs"])
            )
            for entry in logprobs.get("content") or []
        ]
    tops = logprobs.get("top_logprobs") or [None] * len(logprobs["tokens"])
    return [
        TokenLogprob(_id(token), value, tuple((_id(each), score) for each, score in (top or {}).items()))
        for token, value, top in zip(logprobs["tokens"], logprobs["token_logprobs"], tops, strict=True)
    ]


def _id(token: str) -> int:
    if not token.startswith(TOKEN_ID):
        raise _engine_failed()
    return int(token.removeprefix(TOKEN_ID))


def _engine_failed() -> ApiError:
    return ApiError("the engine behind this server failed on this request; its log says why", status=502, code="engine_failed")


def httpx_of_extra() -> Any:
    """The HTTP client. Raises MissingDependencyError with the extra that brings it."""
    try:
        import httpx
    except ImportError as error:
        raise MissingDependencyError("the vLLM engine is spoken to with httpx: pip install 'internvl[serve,remote]'") from error
    return httpx


async def wait_until_ready(engine: VllmEngine, timeout_s: float) -> None:
    """Until vLLM answers GET /health. Raises ApiError 503 when its process ends, or time is up."""
    httpx = httpx_of_extra()
    deadline = time.monotonic() + timeout_s
    async with httpx.AsyncClient(base_url=engine.url, timeout=5.0, trust_env=False) as client:
        while time.monotonic() < deadline:
            if engine.broken:
                raise unavailable("vLLM ended while it was starting; its own output says why")
            try:
                if (await client.get("/health")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.5)
    raise unavailable(f"vLLM was not ready within {timeout_s:g} s")
