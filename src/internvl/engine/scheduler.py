"""Many requests on one model: they join and leave a running batch, and each gets the answer it would get alone.

    submit -> waiting --room for its prompt--> reading (a part a step) -> running (a token or more a step) -> Event with a reply
                 ^------------------ memory is short: the youngest starts over, its words kept ------------------|

Places are given first come, first served. Room is given for a prompt and a little more, not for the longest answer; should memory run
out, the youngest gives up its cache and goes on later, with the same words. Several prompts are read side by side: in each step half
of the tokens go to the oldest, half to the one that is soonest done, so neither starves the other. Tiles are encoded a few a step
and running answers have a share of the time, so they go on meanwhile. A scheduler knows one thread; whoever has several hands requests
over (`serve.loop`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from internvl.engine.answer import Answer
from internvl.engine.engine import MAX_BATCH, Engine
from internvl.engine.logprobs import TokenLogprob
from internvl.engine.prefix import Prefix
from internvl.engine.prefix_pool import PrefixPool
from internvl.engine.reading import Reading
from internvl.engine.request import Reply, Request
from internvl.engine.turns import next_turn
from internvl.errors import ConfigError, DeadlineError, NumericError, QueueFullError, RequestTooLargeError, SamplingError
from internvl.models.language.cache import KVCache

# To share so many tokens or more, a request waits until another one has read what both begin with.
WORTH_WAITING_FOR = 128


@dataclass(frozen=True)
class Event:
    """What one step brought to one request: new text (may be empty) and tokens, with the last one the reply, or instead an error."""

    ticket: int
    text: str = ""
    tokens: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] | None = None
    reply: Reply | None = None
    error: NumericError | DeadlineError | None = None


@dataclass(eq=False)
class _Waiting:
    """A request that has no cache, or no longer; `answer` is what it has said, `told` how many tokens of that were events."""

    ticket: int
    request: Request
    deadline: float | None
    answer: Answer | None = None
    told: int = 0
    common: dict[int, int] = field(default_factory=dict)  # ticket -> tokens that its prompt and this one begin with


@dataclass(eq=False)
class _Job:
    """A request that is read or answered."""

    waited: _Waiting
    reading: Reading

    @property
    def ticket(self) -> int:
        return self.waited.ticket

    @property
    def tokens(self) -> int:
        """For how many tokens its cache has storage, or will, once what is known of it is read."""
        return self.reading.cache.capacity_for(max(self.reading.goal, self.reading.cache.length))

    @property
    def next_tokens(self) -> int:
        """The same after a step that keeps all its guesses."""
        answer, cache = self.reading.answer, self.reading.cache
        guessed = 0 if answer.lookup is None else answer.lookup.most
        return cache.capacity_for(min(cache.length + 1 + guessed, answer.request.inputs.tokens + answer.room))


class Scheduler:
    """Continuous batching on one engine.

    max_running: requests read or decoded at a time; max_waiting: how many may wait beside them. max_tokens, max_bytes: what caches may
    hold at a time, kept ones included, None for no bound. prefill_chunk: tokens of prompts read in one step; encode_tiles: tiles
    encoded in one step while others want to go on. decode_share: of the time, what running answers have at least while prompts are
    read. keep_tokens: what was read for finished requests and is kept for later ones that begin alike; it gives way to requests.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        max_running: int = MAX_BATCH,
        max_waiting: int = 64,
        max_tokens: int | None = None,
        max_bytes: int | None = None,
        prefill_chunk: int = 512,
        encode_tiles: int = 1,
        decode_share: float = 0.1,
        keep_tokens: int = 16_384,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        _check_at_least(1, max_running=max_running, max_waiting=max_waiting, prefill_chunk=prefill_chunk, encode_tiles=encode_tiles)
        _check_at_least(0, keep_tokens=keep_tokens)
        if not 0 <= decode_share < 1:
            raise ConfigError(f"decode_share must lie in 0...1 and be below 1, not {decode_share}")
        self.engine = engine
        self.max_running = max_running
        self.max_waiting = max_waiting
        self.max_tokens = _least(max_tokens, None if max_bytes is None else max_bytes // engine.token_bytes)
        self.prefill_chunk = prefill_chunk
        self.encode_tiles = encode_tiles
        self.decode_share = decode_share
        self._clock = clock
        self._tickets = count(1)
        self._waiting: OrderedDict[int, _Waiting] = OrderedDict()
        self._reading: OrderedDict[int, _Job] = OrderedDict()
        self._running: dict[int, _Job] = {}
        self._pool = PrefixPool(keep_tokens)
        self._owed_s = 0.0  # what running answers have missed of their share
        self._short_first = False

    @property
    def running(self) -> int:
        """Requests that are read or decoded."""
        return len(self._reading) + len(self._running)

    @property
    def waiting(self) -> int:
        """Requests that were not let in yet, or had to leave for a while."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether a step would do nothing."""
        return not (self._waiting or self._reading or self._running)

    @property
    def reserved_tokens(self) -> int:
        """Tokens for which the running requests have storage."""
        return sum(job.tokens for job in self._jobs())

    @property
    def kept_tokens(self) -> int:
        """Tokens for which storage is kept of finished requests."""
        return self._pool.tokens

    def submit(self, request: Request, *, timeout_s: float | None = None) -> int:
        """Let a request wait -> its ticket. After `timeout_s` it ends with an event that has a DeadlineError.

        Raises QueueFullError; RequestTooLargeError and ContextLengthError for one that can never fit; SamplingError for beams, which
        only `Engine.generate` searches.
        """
        if request.params.num_beams > 1:
            raise SamplingError("beam search can't share a batch; use num_beams=1, or Engine.generate")
        tokens = request.inputs.tokens + self.engine.room(request)
        if self.max_tokens is not None and tokens > self.max_tokens:
            raise RequestTooLargeError(
                f"the prompt has {request.inputs.tokens} tokens and the answer may have {tokens - request.inputs.tokens}, together "
                f"{tokens}, but at most {self.max_tokens} can be held; use fewer tiles, pictures or words, or a smaller max_new_tokens"
            )
        if len(self._waiting) >= self.max_waiting:
            raise QueueFullError(f"{len(self._waiting)} requests are waiting already, which is the most; try again later")
        ticket = next(self._tickets)
        self._waiting[ticket] = _Waiting(ticket, request, None if timeout_s is None else self._clock() + timeout_s)
        return ticket

    def cancel(self, ticket: int) -> None:
        """Forget a request and free what it held: there are no more events of it. One that is finished or unknown is no error."""
        self._waiting.pop(ticket, None)
        job = self._reading.pop(ticket, None) or self._running.pop(ticket, None)
        if job is not None:
            self._pool.add(job.reading.prefix)

    def step(self) -> list[Event]:
        """A token or more for every running request, then parts of the prompts that follow -> at most one event a request."""
        events = self._expire()
        self._make_room()
        events += self._decode_timed()
        self._admit()
        if self._owed_s > 0:
            return events
        return events + list(self._read_timed())

    def _expire(self) -> list[Event]:
        now = self._clock()
        late = [
            each.ticket
            for each in (*self._waiting.values(), *(job.waited for job in self._jobs()))
            if each.deadline is not None and now >= each.deadline
        ]
        for ticket in late:
            self.cancel(ticket)
        return [Event(ticket, error=DeadlineError("the request was not answered in the time it was given")) for ticket in late]

    def _make_room(self) -> None:
        """Before a step: have storage for what running answers may write. Kept prefixes go first, then the youngest requests."""
        if self.max_tokens is None:
            return
        while True:
            needed = sum(job.next_tokens for job in self._running.values()) + sum(job.tokens for job in self._reading.values())
            self._pool.shrink(max(0, self.max_tokens - needed))
            if needed <= self.max_tokens:
                return
            # It can't be the last one: what a single request may need was checked when it came.
            self._put_back(max(self._jobs(), key=lambda job: job.ticket))

    def _put_back(self, job: _Job) -> None:
        self._reading.pop(job.ticket, None)
        self._running.pop(job.ticket, None)
        waited = job.waited
        waited.answer = job.reading.answer
        waited.answer.preemptions += 1
        self._waiting[job.ticket] = waited
        self._waiting.move_to_end(job.ticket, last=False)

    def _decode_timed(self) -> list[Event]:
        if not self._running:
            self._owed_s = 0.0
            return []
        began = self._clock()
        events = self._decode(list(self._running.values()))
        self._owed_s = max(0.0, self._owed_s - (self._clock() - began)) if self._running else 0.0
        return events

    def _decode(self, jobs: Sequence[_Job]) -> list[Event]:
        try:
            pieces = self.engine.step([job.reading for job in jobs])
        except NumericError as error:
            if len(jobs) == 1:
                return [self._failed(jobs[0], error)]
            # Only whoever has no next token fails; the others take the step alone.
            return [event for job in jobs for event in self._decode([job])]
        return [self._event(job, piece) for job, piece in zip(jobs, pieces, strict=True)]

    def _read_timed(self) -> Iterator[Event]:
        began = self._clock()
        yield from self._read()
        if self._running:
            self._owed_s += (self._clock() - began) * self.decode_share / (1 - self.decode_share)

    def _read(self) -> Iterator[Event]:
        """Parts of prompts, `prefill_chunk` tokens of them and a few tiles together."""
        left, served, stuck = self.prefill_chunk, set[int](), set[int]()
        self._short_first = not self._short_first
        tiles = self.encode_tiles if self._running or len(self._reading) > 1 else None
        while left > 0:
            self._admit()
            able = [job for job in self._reading.values() if job.ticket not in stuck]
            if not able:
                return
            lengths, seen = [job.reading.left for job in able], [job.ticket in served for job in able]
            turn, share = next_turn(lengths, chunk=self.prefill_chunk, left=left, served=seen, short_first=self._short_first)
            job = able[turn]
            served.add(job.ticket)
            before = job.reading.answer.encoded_tiles
            count = self.engine.read(job.reading, share, tiles=tiles)
            left -= count
            if tiles is not None:
                tiles = max(0, tiles - (job.reading.answer.encoded_tiles - before))
            if count == 0:
                stuck.add(job.ticket)  # its tiles are not all encoded yet
            if job.reading.left == 0:
                yield from self._start(job)

    def _start(self, job: _Job) -> Iterator[Event]:
        """From reading to running: with the first token, unless the answer began before."""
        del self._reading[job.ticket]
        self._running[job.ticket] = job
        if job.reading.answer.ids:
            return
        try:
            event = self._event(job, self.engine.first(job.reading))
        except NumericError as error:
            event = self._failed(job, error)
        yield event

    def _admit(self) -> None:
        """Let in who waits, in order, as long as there are places and room; only who waits for another's reading is passed over."""
        for waited in list(self._waiting.values()):
            if self.running >= self.max_running:
                return
            if self._waits_for_another(waited):
                continue
            needed = self._first_tokens(waited)
            free = None if self.max_tokens is None else self.max_tokens - self.reserved_tokens - needed
            if free is not None and free < 0:
                return
            del self._waiting[waited.ticket]
            busy = [job.reading.prefix for job in self._jobs()]
            prefix = self._pool.take(waited.request.inputs, self.engine.language, busy=busy, room=free)
            self._reading[waited.ticket] = _Job(waited, self.engine.begin(waited.request, prefix, answer=waited.answer))

    def _first_tokens(self, waited: _Waiting) -> int:
        """Storage a request gets at first."""
        said = 0 if waited.answer is None else len(waited.answer.ids)
        cache, prompt = KVCache(0), waited.request.inputs.tokens
        cache.foresee(soon=prompt, most=prompt + self.engine.room(waited.request))
        return cache.capacity_for(prompt + said)

    def _waits_for_another(self, waited: _Waiting) -> bool:
        if self._pool.max_tokens == 0:
            return False  # nothing is shared
        for ticket, job in self._reading.items():
            if ticket not in waited.common:
                inputs = job.waited.request.inputs
                whole = Prefix(inputs.ids, inputs.tile_keys, job.reading.cache, inputs.tokens)
                waited.common[ticket] = whole.shared_with(waited.request.inputs, self.engine.language)
            if waited.common[ticket] >= WORTH_WAITING_FOR and waited.common[ticket] > job.reading.cache.length:
                return True
        return False

    def _event(self, job: _Job, piece: str) -> Event:
        """What a step brought: one token or more. Whoever is finished leaves."""
        answer, told = job.reading.answer, job.waited.told
        logprobs = None if answer.request.params.logprobs is None else tuple(answer.logprobs[told:])
        job.waited.told = len(answer.ids)
        reply = None
        if job.reading.finished:
            reply = answer.reply()
            del self._running[job.ticket]
            self._pool.add(job.reading.prefix)  # in the storage it had: `max_tokens` still holds
        return Event(job.ticket, piece, tuple(answer.ids[told:]), logprobs, reply)

    def _failed(self, job: _Job, error: NumericError) -> Event:
        del self._running[job.ticket]
        return Event(job.ticket, error=error)

    def _jobs(self) -> list[_Job]:
        return [*self._running.values(), *self._reading.values()]


def _least(*bounds: int | None) -> int | None:
    return min((bound for bound in bounds if bound is not None), default=None)


def _check_at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if value < least:
            raise ConfigError(f"{name} must be {least} or more, not {value}")
