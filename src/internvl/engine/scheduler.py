"""Many requests on one model: they join and leave a running batch, and each gets the answer it would get alone.

    submit -> waiting --room for all its tokens--> reading (one, a chunk a step) -> running (one token a step) -> Event with a reply

First come, first served: nobody overtakes the first that waits, and who is let in has room for its longest answer, so no one is
thrown out again and no one starves. Long prompts are read in chunks, and only the tiles of a chunk are encoded with it: so running
answers go on. A scheduler knows one thread; whoever has several hands requests over (`serve.loop`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from internvl.engine.engine import MAX_BATCH, Engine
from internvl.engine.logprobs import TokenLogprob
from internvl.engine.prefix_pool import PrefixPool
from internvl.engine.reading import Reading
from internvl.engine.request import Reply, Request
from internvl.errors import ConfigError, NumericError, QueueFullError, RequestTooLargeError, SamplingError


@dataclass(frozen=True)
class Event:
    """What one step brought to one request: new text (may be empty) and tokens, with the last one the reply, or instead an error."""

    ticket: int
    text: str = ""
    tokens: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] | None = None
    reply: Reply | None = None
    error: NumericError | None = None


@dataclass(eq=False)
class _Job:
    """A request that was let in; `reserved` are its prompt and its longest answer, in tokens."""

    ticket: int
    reading: Reading
    reserved: int


class Scheduler:
    """Continuous batching on one engine.

    max_running: requests read or decoded at a time; max_waiting: how many may wait beside them. max_tokens: prompts and longest answers
    that may be in caches at a time, None for no bound. prefill_chunk: tokens of prompts read in one step. keep_tokens: what was read
    for finished requests and is kept for later ones that begin alike; it gives way where `max_tokens` needs the room.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        max_running: int = MAX_BATCH,
        max_waiting: int = 64,
        max_tokens: int | None = None,
        prefill_chunk: int = 512,
        keep_tokens: int = 16_384,
    ) -> None:
        least = {"max_running": (max_running, 1), "max_waiting": (max_waiting, 1), "prefill_chunk": (prefill_chunk, 1)}
        for name, (value, lowest) in {**least, "keep_tokens": (keep_tokens, 0)}.items():
            if value < lowest:
                raise ConfigError(f"{name} must be {lowest} or more, not {value}")
        self.engine = engine
        self.max_running = max_running
        self.max_waiting = max_waiting
        self.max_tokens = max_tokens
        self.prefill_chunk = prefill_chunk
        self._tickets = count(1)
        self._waiting: OrderedDict[int, Request] = OrderedDict()
        self._reading: _Job | None = None
        self._running: dict[int, _Job] = {}
        self._pool = PrefixPool(keep_tokens)

    @property
    def running(self) -> int:
        """Requests that are read or decoded."""
        return len(self._jobs())

    @property
    def waiting(self) -> int:
        """Requests that were not let in yet."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether a step would do nothing."""
        return not (self._waiting or self._jobs())

    @property
    def reserved_tokens(self) -> int:
        """Tokens for which the running requests have room."""
        return sum(job.reserved for job in self._jobs())

    @property
    def kept_tokens(self) -> int:
        """Tokens kept of finished requests."""
        return self._pool.tokens

    def submit(self, request: Request) -> int:
        """Let a request wait -> its ticket.

        Raises QueueFullError; RequestTooLargeError and ContextLengthError for one that can never fit; SamplingError for beams, which
        only `Engine.generate` searches.
        """
        if request.params.num_beams > 1:
            raise SamplingError("beam search can't share a batch; use num_beams=1, or Engine.generate")
        tokens = self._needs(request)
        if self.max_tokens is not None and tokens > self.max_tokens:
            raise RequestTooLargeError(
                f"the prompt has {request.inputs.tokens} tokens and the answer may have {tokens - request.inputs.tokens}, together "
                f"{tokens}, but at most {self.max_tokens} can be held; use fewer tiles, pictures or words, or a smaller max_new_tokens"
            )
        if len(self._waiting) >= self.max_waiting:
            raise QueueFullError(f"{len(self._waiting)} requests are waiting already, which is the most; try again later")
        ticket = next(self._tickets)
        self._waiting[ticket] = request
        return ticket

    def cancel(self, ticket: int) -> None:
        """Forget a request and free what it held: there are no more events of it. One that is finished or unknown is no error."""
        self._waiting.pop(ticket, None)
        if self._reading is not None and self._reading.ticket == ticket:
            self._reading = None
        job = self._running.pop(ticket, None)
        if job is not None:
            self._pool.add(job.reading.prefix)

    def step(self) -> list[Event]:
        """One token for every running request, then a chunk of the prompts that follow -> at most one event a request."""
        events = self._decode(list(self._running.values()))
        return events + list(self._read())

    def _decode(self, jobs: Sequence[_Job]) -> list[Event]:
        if not jobs:
            return []
        try:
            pieces = self.engine.step([job.reading for job in jobs])
        except NumericError as error:
            if len(jobs) == 1:
                return [self._failed(jobs[0], error)]
            # Only whoever has no next token fails; the others take the step alone.
            return [event for job in jobs for event in self._decode([job])]
        return [self._event(job, piece) for job, piece in zip(jobs, pieces, strict=True)]

    def _read(self) -> Iterator[Event]:
        budget = self.prefill_chunk
        while budget > 0:
            job = self._reading = self._reading or self._admit()
            if job is None:
                return
            budget -= self.engine.read(job.reading, budget)
            if job.reading.left:
                continue
            self._reading, self._running[job.ticket] = None, job
            try:
                event = self._event(job, self.engine.first(job.reading))
            except NumericError as error:
                event = self._failed(job, error)
            yield event

    def _admit(self) -> _Job | None:
        """The first that waits, once there is a place and room for it."""
        if not self._waiting or len(self._running) >= self.max_running:
            return None
        ticket, request = next(iter(self._waiting.items()))
        tokens = self._needs(request)
        free = None if self.max_tokens is None else self.max_tokens - self.reserved_tokens - tokens
        if free is not None and free < 0:
            return None
        del self._waiting[ticket]
        busy = [job.reading.prefix for job in self._running.values()]
        prefix = self._pool.take(request.inputs, self.engine.model.config.language, busy=busy)
        if free is not None:
            self._pool.shrink(free)
        return _Job(ticket, self.engine.begin(request, prefix), tokens)

    def _event(self, job: _Job, piece: str) -> Event:
        """What a step brought: always one token. Whoever is finished leaves."""
        answer = job.reading.answer
        told = None if answer.request.params.logprobs is None else (answer.logprobs[-1],)
        reply = None
        if job.reading.finished:
            reply = answer.reply()
            del self._running[job.ticket]
            self._pool.add(job.reading.prefix)  # shorter than what was reserved for it: `max_tokens` still holds
        return Event(job.ticket, piece, (answer.ids[-1],), told, reply)

    def _failed(self, job: _Job, error: NumericError) -> Event:
        del self._running[job.ticket]
        return Event(job.ticket, error=error)

    def _needs(self, request: Request) -> int:
        return request.inputs.tokens + self.engine.room(request)

    def _jobs(self) -> list[_Job]:
        return [*self._running.values(), *([] if self._reading is None else [self._reading])]
