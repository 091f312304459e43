"""The door of the queue: how many requests are inside, and what they hold, from before their body is read until their answer is sent.

Counting here rather than in the scheduler bounds what bodies and decoded pictures of waiting requests take, and refuses at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from internvl.serve.errors import queue_full, too_much_held, unavailable


@dataclass
class Slot:
    """The place of one request: `places` of the limit, one for each answer it wants, and `held` bytes of bodies and pixels."""

    gate: Gate
    places: int = 0
    held: int = 0

    def take(self, places: int) -> None:
        """Take more places. Raises ApiError 429 when they are not there, 503 when the server is stopping."""
        if self.gate.draining:
            raise unavailable("the server is stopping")
        if self.gate.inside + places > self.gate.limit:
            raise queue_full(self.gate.limit)
        self.gate.inside += places
        self.places += places

    def hold(self, size: int) -> None:
        """Hold so many bytes more. Raises ApiError 429 when all requests together would hold too many, 413 when this one would."""
        most = self.gate.memory
        if most is not None and self.held + size > most:
            raise too_much_held(most)
        if most is not None and self.gate.held + size > most:
            raise queue_full(self.gate.limit)
        self.gate.held += size
        self.held += size

    def let_go(self, size: int) -> None:
        """Hold so many bytes less."""
        self.gate.held -= size
        self.held -= size


@dataclass
class Gate:
    """At most `limit` places and `memory` bytes, None for any number. Used by one event loop only, so counting needs no lock."""

    limit: int
    memory: int | None = None
    inside: int = field(default=0, init=False)
    held: int = field(default=0, init=False)
    draining: bool = field(default=False, init=False)

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """A place inside for as long as the block lasts. Raises ApiError 429 or 503."""
        slot = Slot(self)
        slot.take(1)
        try:
            yield slot
        finally:
            self.inside -= slot.places
            self.held -= slot.held
