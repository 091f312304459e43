"""From ids to text pieces a person may see: whole characters, nothing of a stop string, no blanks at either end.

The joined pieces equal the text of the whole answer, so streaming and waiting give the same words. Where the text ends depends on
the text alone, not on how tokens cut it: the stop string that is complete first ends it.
"""

from __future__ import annotations

from typing import Protocol


class Decoder(Protocol):
    """What turns ids into text, one by one."""

    def push(self, token_id: int) -> str:
        """The text that became certain with this id."""

    def finish(self) -> str:
        """The rest."""


class TextStream:
    """Push each id, then finish. `stopped` is true once a stop string came; later ids are ignored. `exact`: blanks at the ends stay."""

    def __init__(self, decoder: Decoder, stop: tuple[str, ...], *, exact: bool = False) -> None:
        self._decoder = decoder
        self._stop = stop
        self._kept = ""
        self._begun = self._exact = exact
        self.stopped = False

    def push(self, token_id: int) -> str:
        """The text that became certain with this id, often empty."""
        return "" if self.stopped else self._take(self._decoder.push(token_id), last=False)

    def finish(self) -> str:
        """The rest."""
        return "" if self.stopped else self._take(self._decoder.finish(), last=True)

    def _take(self, text: str, *, last: bool) -> str:
        text = self._kept + text
        end = _stop_start(text, self._stop)
        if end is not None:
            text = text[:end]
            self.stopped = last = True
        blanks = 0 if self._exact else len(text) - len(text.rstrip())
        keep = blanks if last else _uncertain(text, self._stop) if blanks or self._stop else 0
        certain, self._kept = text[: len(text) - keep], text[len(text) - keep :]
        if not self._begun:
            # Only what is shown loses its leading blanks: a stop string may begin with them.
            certain = certain.lstrip()
            self._begun = bool(certain)
        return certain


def _stop_start(text: str, stops: tuple[str, ...]) -> int | None:
    """Where the stop string begins that is complete first; of those complete together, the longest."""
    found = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    return min(found)[1] if found else None


def _uncertain(text: str, stops: tuple[str, ...]) -> int:
    """How many characters at the end may still turn out to be a stop string or trailing blanks."""
    partial = 0
    for stop in stops:
        for length in range(min(len(stop) - 1, len(text)), partial, -1):
            if text.endswith(stop[:length]):
                partial = length
                break
    # Blanks in front of a half-seen stop string are trailing ones too, should it become whole.
    return len(text) - len(text[: len(text) - partial].rstrip())
