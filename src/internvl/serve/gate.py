"""The door of the queue: how many requests are inside, from before their body is read until their answer is sent.

Counting here rather than in the scheduler bounds what bodies and decoded pictures of waiting requests take, and refuses at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from internvl.serve.errors import queue_full, unavailable


@dataclass
class Slot:
    """The place of one request; it takes `places` of the limit, one for each answer it wants."""

    gate: Gate
    places: int = 0

    def take(self, places: int) -> None:
        """Take more places. Raises ApiError 429 when they are not there, 503 when the server is stopping."""
        if self.gate.draining:
            raise unavailable("the server is stopping")
        if self.gate.inside + places > self.gate.limit:
            raise queue_full(self.gate.limit)
        self.gate.inside += places
        self.places += places


@dataclass
class Gate:
    """At most `limit` places. Used by one event loop only, so counting needs no lock."""

    limit: int
    inside: int = field(default=0, init=False)
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
