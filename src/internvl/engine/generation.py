"""An answer as an iterator of text pieces, with what it cost and what it leaves behind for a next turn."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from internvl.engine.prefix import Prefix
from internvl.engine.reading import Reading
from internvl.engine.request import Reply


class Generation(Iterator[str]):
    """Iterate for the pieces; `reply` is complete when the iteration ended. `close` stops it early: no step is computed after that."""

    def __init__(self, pieces: Generator[str], reading: Reading) -> None:
        self._pieces = pieces
        self._reading = reading

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """Stop here; `reply` is what was said so far."""
        self._pieces.close()

    @property
    def ids(self) -> Sequence[int]:
        """The tokens so far; the list grows."""
        return self._reading.answer.ids

    @property
    def reply(self) -> Reply:
        """What has been answered so far."""
        return self._reading.answer.reply()

    @property
    def prefix(self) -> Prefix:
        """What the model has read by now, for a next turn."""
        return self._reading.prefix
