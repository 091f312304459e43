"""From ids to text pieces a person may see: whole characters, nothing of a stop string, no blanks at either end.

The joined pieces equal the text of the whole answer, so streaming and waiting give the same words.
"""

from __future__ import annotations

from internvl.prompt.detokenize import StreamDecoder


class TextStream:
    """Push each id, then finish. `stopped` is true once a stop string came; later ids are ignored."""

    def __init__(self, decoder: StreamDecoder, stop: tuple[str, ...]) -> None:
        self._decoder = decoder
        self._stop = stop
        self._kept = ""
        self._begun = False
        self.stopped = False

    def push(self, token_id: int) -> str:
        """The text that became certain with this id, often empty."""
        return "" if self.stopped else self._take(self._decoder.push(token_id), last=False)

    def finish(self) -> str:
        """The rest."""
        return "" if self.stopped else self._take(self._decoder.finish(), last=True)

    def _take(self, text: str, *, last: bool) -> str:
        text = self._kept + text
        found = [text.find(stop) for stop in self._stop if stop in text]
        if found:
            text = text[: min(found)]
            self.stopped = last = True
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        keep = 0 if last else _uncertain(text, self._stop)
        certain, self._kept = text[: len(text) - keep], text[len(text) - keep :]
        return certain.rstrip() if last else certain


def _uncertain(text: str, stops: tuple[str, ...]) -> int:
    """How many characters at the end may still turn out to be a stop string or trailing blanks."""
    blanks = len(text) - len(text.rstrip())
    partial = 0
    for stop in stops:
        for length in range(min(len(stop) - 1, len(text)), partial, -1):
            if text.endswith(stop[:length]):
                partial = length
                break
    # Blanks in front of a half-seen stop string are trailing ones too, should it become whole.
    before = text[: len(text) - partial]
    return max(blanks, partial + len(before) - len(before.rstrip()) if partial else 0)
