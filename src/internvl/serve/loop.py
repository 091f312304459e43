"""Between two worlds: coroutines that wait for answers, and one thread that steps the scheduler.

    submit(request) --commands--> thread: scheduler.submit, step, cancel --events--> the coroutine's own queue

The scheduler is touched by its thread only. Whoever stops listening (a client that went away, a timeout) is cancelled at the next
step. However the thread ends, nobody is left waiting.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from internvl.engine.request import Request
from internvl.engine.scheduler import Event
from internvl.errors import InternVLError
from internvl.serve.errors import unavailable


class Stepping(Protocol):
    """The part of `engine.scheduler.Scheduler` that the server uses."""

    def submit(self, request: Request) -> int:
        """A ticket. Raises InternVLError for a request that is not taken."""

    def cancel(self, ticket: int) -> None:
        """Forget a request."""

    def step(self) -> Sequence[Event]:
        """What one step brought to the requests."""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to step."""

    @property
    def running(self) -> int:
        """How many requests are answered."""

    @property
    def waiting(self) -> int:
        """How many wait."""


class Answerer(Protocol):
    """What computes answers: the loop below, or a server behind this one."""

    def start(self) -> None:
        """Begin to work."""

    def close(self) -> None:
        """End; what is unfinished gets an error."""

    @property
    def alive(self) -> bool:
        """Whether requests are being answered."""

    @property
    def broken(self) -> bool:
        """Whether it ended without being asked to."""

    @property
    def counts(self) -> tuple[int, int]:
        """How many requests are running and waiting."""

    def submit(self, request: Any) -> AsyncGenerator[Event, None]:
        """The events of one prepared request, the last with its reply. Closing the generator frees what the request holds."""


@dataclass(eq=False)
class _Job:
    """One request and who waits for it."""

    request: Request
    home: asyncio.AbstractEventLoop
    inbox: asyncio.Queue[Event | InternVLError] = field(default_factory=asyncio.Queue)
    ticket: int | None = None
    gone: bool = False

    def tell(self, news: Event | InternVLError) -> None:
        """From the engine's thread; a loop that is closed has nobody left to tell."""
        with suppress(RuntimeError):
            self.home.call_soon_threadsafe(self.inbox.put_nowait, news)


_Command: TypeAlias = tuple[str, _Job | None]
BROKEN = "the model stopped working; the server's log says why, and it has to be started again"


class EngineLoop:
    """Runs a scheduler in a thread of its own from `start` to `close`."""

    def __init__(self, scheduler: Stepping) -> None:
        self._scheduler = scheduler
        self._commands: queue.SimpleQueue[_Command] = queue.SimpleQueue()
        self._jobs: dict[int, _Job] = {}
        self._lock = threading.Lock()
        self._ended = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin to step."""
        self._thread.start()

    def close(self, timeout_s: float = 10.0) -> None:
        """End after the step that is running; what is unfinished then gets an error."""
        self._closing = True
        self._commands.put(("close", None))
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        """Whether requests are being answered."""
        return self._thread.is_alive() and not self._ended

    @property
    def broken(self) -> bool:
        """Whether the thread ended without being asked to."""
        return self._ended and not self._closing

    @property
    def counts(self) -> tuple[int, int]:
        """How many requests are running and waiting."""
        return self._scheduler.running, self._scheduler.waiting

    async def submit(self, request: Request) -> AsyncGenerator[Event, None]:
        """The events of one request, the last with its reply. Closing the generator frees the request's slot at the next step.

        Raises what the scheduler raises for it, ApiError 503 when the engine ended.
        """
        job = _Job(request, asyncio.get_running_loop())
        self._send("submit", job)
        finished = False
        try:
            while not finished:
                news = await job.inbox.get()
                if isinstance(news, InternVLError):
                    finished = True
                    raise news
                finished = news.reply is not None
                yield news
        finally:
            if not finished:
                job.gone = True
                self._commands.put(("cancel", job))

    def _send(self, verb: str, job: _Job) -> None:
        # Under the lock, so that no job slips in after the thread told all jobs that it ended.
        with self._lock:
            if self._ended or self._closing:
                raise unavailable(BROKEN if self.broken else "the server is stopping")
            self._commands.put((verb, job))

    def _run(self) -> None:
        try:
            while self._take_commands():
                if not self._scheduler.idle:
                    self._deliver(self._scheduler.step())
        finally:
            # Also when a step raised: the error itself goes on to the thread's hook and into the log.
            self._end()

    def _take_commands(self) -> bool:
        """All that came since the last step; with nothing to step, wait for some. False to end."""
        while True:
            try:
                verb, job = self._commands.get(block=self._scheduler.idle)
            except queue.Empty:
                return True
            if job is None:
                return False
            self._obey(verb, job)

    def _obey(self, verb: str, job: _Job) -> None:
        if verb == "cancel":
            if job.ticket is not None and self._jobs.pop(job.ticket, None) is not None:
                self._scheduler.cancel(job.ticket)
        elif not job.gone:
            try:
                job.ticket = self._scheduler.submit(job.request)
            except InternVLError as error:
                job.tell(error)
            else:
                self._jobs[job.ticket] = job

    def _deliver(self, events: Sequence[Event]) -> None:
        for event in events:
            job = self._jobs.get(event.ticket)
            if job is None:
                continue
            if event.reply is not None or event.error is not None:
                del self._jobs[event.ticket]
            job.tell(event.error or event)

    def _end(self) -> None:
        with self._lock:
            self._ended = True
        left = list(self._jobs.values())
        self._jobs.clear()
        with suppress(queue.Empty):
            while True:
                _, job = self._commands.get_nowait()
                left += [] if job is None else [job]
        for job in left:
            job.tell(unavailable("the server is stopping" if self._closing else BROKEN))
