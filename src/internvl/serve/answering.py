"""How one request is answered, from its place in the queue to its last token.

    gate -> body -> schema -> worker thread: Preparer -> EngineLoop -> whole reply | stream

Every step is left the same way when the client goes away or time is up: the task is cancelled, generators close, the place is free.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from internvl.engine.request import Reply
from internvl.engine.scheduler import Event
from internvl.errors import InternVLError
from internvl.media.opening import Opener
from internvl.serve.body import read_json
from internvl.serve.config import ServeConfig
from internvl.serve.decoders import Decoders
from internvl.serve.disconnect import Deadline, EventStream, unless_gone
from internvl.serve.errors import ApiError, api_error, too_slow
from internvl.serve.gate import Gate, Slot
from internvl.serve.loop import Answerer
from internvl.serve.merge import merged
from internvl.serve.metrics import Metrics
from internvl.serve.prepare import Planned, Preparer
from internvl.serve.replies import Form, characters, line
from internvl.serve.schema import ChatRequest, CompletionRequest, validated
from internvl.serve.token_logprobs import Entries, entries_of

Result = TypeVar("Result")
Asked: TypeAlias = ChatRequest | CompletionRequest
Events: TypeAlias = AsyncGenerator[tuple[int, Event], None]
log = logging.getLogger("internvl.serve")


@dataclass(frozen=True)
class Answering:
    """Answers chat and text completions. One for each application."""

    name: str
    config: ServeConfig
    preparer: Preparer
    decoders: Decoders
    engine: Answerer
    gate: Gate
    metrics: Metrics
    workers: ThreadPoolExecutor

    async def chat(self, http: HttpRequest) -> Response:
        """POST /v1/chat/completions."""
        return await self._answer(http, ChatRequest, self.preparer.chat)

    async def complete(self, http: HttpRequest) -> Response:
        """POST /v1/completions."""
        return await self._answer(http, CompletionRequest, self.preparer.completion)

    async def in_worker(self, work: Callable[..., Result], *given: Any) -> Result:
        """Run `work` in one of the worker threads, which bound how many pictures are decoded at once."""
        return await asyncio.get_running_loop().run_in_executor(self.workers, work, *given)

    def check_model(self, asked: str | None) -> None:
        """Raises ApiError 404 unless the model asked for is the one that is served."""
        if asked is not None and asked != self.name:
            raise ApiError(f"this server has the model {self.name!r} and no other", status=404, code="model_not_found", param="model")

    @contextmanager
    def opener(self) -> Iterator[Opener]:
        """An opener for one request, which opens nothing more once the block is left."""
        opener = self.decoders.opener()
        try:
            yield opener
        finally:
            opener.give_up()

    async def _answer(self, http: HttpRequest, kind: type[Asked], prepare: Callable[[Any, Opener], Planned]) -> Response:
        deadline = Deadline(self.config.timeout_s)
        async with AsyncExitStack() as stack:
            slot = stack.enter_context(self.gate.slot())
            asked = validated(kind, await read_json(http, self.config, slot))
            requests = await unless_gone(http.receive, self._prepared(asked, prepare, slot), deadline)
            events = await stack.enter_async_context(aclosing(merged([self.engine.submit(each) for each in requests])))
            running = _Running(Form(model=self.name, chat=kind is ChatRequest), asked, events, len(requests), deadline, self)
            if not asked.stream:
                return JSONResponse(await unless_gone(http.receive, running.whole(), deadline))
            # The first event before the first byte: what goes wrong until then still has a status.
            first = await unless_gone(http.receive, running.next(), deadline)
            # What the stack holds is held on until the stream ends.
            return EventStream(running.lines(first), stack.pop_all(), deadline, self.metrics.disconnected)

    async def _prepared(self, asked: Asked, prepare: Callable[[Any, Opener], Planned], slot: Slot) -> Sequence[Any]:
        self.check_model(asked.model)
        with self.opener() as opener:
            body = slot.held
            planned = await self.in_worker(prepare, asked, opener)
            slot.take(planned.choices - 1)
            slot.hold(planned.pixel_bytes)
            requests = await self.in_worker(planned.ready)
            slot.let_go(body)
            return requests


@dataclass
class _Running:
    """One request whose answers are being written."""

    form: Form
    asked: Asked
    events: Events
    number: int
    deadline: Deadline
    service: Answering

    def __post_init__(self) -> None:
        self._replies: dict[int, Reply] = {}
        self._offsets = [0] * self.number

    async def next(self) -> tuple[int, Event]:
        """The next event of any choice, noted. Raises StopAsyncIteration after the last."""
        index, event = await anext(self.events)
        if event.reply is not None:
            self.service.metrics.answered(event.reply, first_of_prompt=not self._replies)
            self._replies[index] = event.reply
            if len(self._replies) == self.number:
                self.service.metrics.took(self.deadline.passed_s)
        return index, event

    async def whole(self) -> dict[str, Any]:
        """All answers as one object."""
        logprobs: list[Entries] = [[] for _ in range(self.number)]
        while len(self._replies) < self.number:
            index, event = await self.next()
            logprobs[index] += self._entries(event)
        replies = [self._replies[index] for index in range(self.number)]
        return self.form.whole(replies, [entries if self._wants_logprobs else None for entries in logprobs])

    async def lines(self, first: tuple[int, Event]) -> AsyncGenerator[str, None]:
        """The data of all events of the stream, `[DONE]` the last. An error becomes the last but one."""
        try:
            if self.form.chat:
                for index in range(self.number):
                    yield line(self._counted(self.form.opening(index)))
            found = self._line(*first)
            while True:
                if found:
                    yield found
                if len(self._replies) == self.number:
                    break
                if self.deadline.left_s <= 0:
                    raise TimeoutError  # said here too: events that are there already never wait, so no timer strikes
                async with asyncio.timeout(self.deadline.left_s):
                    found = self._line(*await self.next())
            if self._wants_usage:
                yield line(self.form.closing([self._replies[index] for index in range(self.number)]))
        except TimeoutError:
            yield self._failed(too_slow(self.deadline.timeout_s))
        except InternVLError as error:
            yield self._failed(api_error(error))
        yield "[DONE]"

    def _line(self, index: int, event: Event) -> str:
        """A chunk, or nothing where an event brings nothing new."""
        finish = None if event.reply is None else event.reply.finish_reason
        entries = self._entries(event) if self._wants_logprobs else None
        if not event.text and not finish and not entries:
            return ""
        offset = self._offsets[index]
        self._offsets[index] += characters(entries or [])
        return line(self._counted(self.form.piece(index, event.text, logprobs=entries, finish_reason=finish, offset=offset)))

    def _entries(self, event: Event) -> Entries:
        return entries_of(self.service.preparer.served.tokenizer, event.logprobs)

    def _counted(self, chunk: dict[str, Any]) -> dict[str, Any]:
        return chunk | {"usage": None} if self._wants_usage else chunk

    def _failed(self, error: ApiError) -> str:
        self.service.metrics.rejected(error.code)
        log.warning("a stream ended with %s: %s", error.code, error.message)
        return line(error.body())

    @property
    def _wants_usage(self) -> bool:
        options = self.asked.stream_options
        return options is not None and options.include_usage

    @property
    def _wants_logprobs(self) -> bool:
        return self.asked.logprobs is not None and self.asked.logprobs is not False
