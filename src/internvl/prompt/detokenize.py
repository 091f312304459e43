"""Token ids back to text, one id at a time.

    ids -> (special ids dropped) -> text decoder of the tokenizer's kind -> clean-up -> text

Whole decoding is streaming decoding of all ids, so the two can't differ: what is pushed and finished, joined, is the decoded text. A
decoder keeps back whatever a later id could still change: the first bytes of a character, or a space that a clean-up may remove.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Container, Mapping
from typing import Protocol

# What transformers' clean-up of "tokenisation spaces" replaces, in its order.
CLEANED = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


class TextDecoder(Protocol):
    """A tokenizer kind's own way from ids to text; it starts empty and serves one text."""

    def push(self, token_id: int) -> str:
        """Take one id; return the text that is certain by now."""

    def finish(self) -> str:
        """Return what was kept back."""


class StreamDecoder:
    """Text as it grows: `push` each id, then `finish` once. The joined returns equal `Tokenizer.decode` of all the ids."""

    def __init__(self, decoder: TextDecoder, *, dropped: Container[int] = frozenset(), clean_up: bool = False) -> None:
        self._decoder = decoder
        self._dropped = dropped
        self._clean_up = CleanUp() if clean_up else None

    def push(self, token_id: int) -> str:
        """Take the next id; return the text that became certain, often empty, never half a character."""
        if token_id in self._dropped:
            return ""
        text = self._decoder.push(token_id)
        return self._clean_up.push(text) if self._clean_up else text

    def finish(self) -> str:
        """Return the rest. Bytes that never became a character come as U+FFFD."""
        text = self._decoder.finish()
        return self._clean_up.push(text) + self._clean_up.finish() if self._clean_up else text


class Replacer:
    """`str.replace` on a text that arrives in parts."""

    def __init__(self, old: str, new: str) -> None:
        self._old = old
        self._new = new
        self._kept = ""

    def push(self, text: str) -> str:
        """Take a part; keep back an end that may be the beginning of what is replaced."""
        if not text:
            return ""
        *done, tail = (self._kept + text).split(self._old)
        keep = next((n for n in range(len(self._old) - 1, 0, -1) if tail.endswith(self._old[:n])), 0)
        self._kept = tail[len(tail) - keep :]
        return "".join(part + self._new for part in done) + tail[: len(tail) - keep]

    def finish(self) -> str:
        """Return what was kept back, and start anew."""
        kept, self._kept = self._kept, ""
        return kept


class CleanUp:
    """The clean-up of spaces before punctuation and English short forms, on a text that arrives in parts."""

    def __init__(self) -> None:
        self._replacers = [Replacer(old, new) for old, new in CLEANED]

    def push(self, text: str) -> str:
        """Take a part of the text."""
        for replacer in self._replacers:
            text = replacer.push(text)
        return text

    def finish(self) -> str:
        """Return what was kept back, and start anew."""
        text = ""
        for replacer in self._replacers:
            text = replacer.push(text) + replacer.finish()
        return text


class ByteLevelDecoder:
    """Ids that stand for bytes: the bytes joined are UTF-8; each broken sequence becomes one U+FFFD, as WHATWG defines it."""

    def __init__(self, token_bytes: Callable[[int], bytes]) -> None:
        self._token_bytes = token_bytes
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token_id: int) -> str:
        """Take one id; ids beyond the vocabulary say nothing."""
        return self._utf8.decode(self._token_bytes(token_id))

    def finish(self) -> str:
        """Return what was kept back."""
        return self._utf8.decode(b"", final=True)


class FusedDecoder:
    """Pieces of a `tokenizer.json` with byte fallback (Llama 2 kind): texts are fused, and one leading space may go.

    A run of byte pieces is one string of bytes: if it isn't UTF-8 as a whole, each of its bytes becomes U+FFFD.
    `strips_again_after`: ids behind which a text begins anew, with its own leading space.
    """

    def __init__(
        self,
        texts: Mapping[int, str],
        byte_values: Mapping[int, int],
        *,
        strips_space: bool,
        strips_again_after: Container[int] = frozenset(),
    ) -> None:
        self._texts = texts
        self._byte_values = byte_values
        self._strips_again_after = strips_again_after if strips_space else frozenset[int]()
        self._strip = strips_space
        self._run = bytearray()

    def push(self, token_id: int) -> str:
        """Take one id; ids beyond the vocabulary say nothing."""
        if token_id in self._byte_values:
            self._run.append(self._byte_values[token_id])
            return ""
        text = self._texts.get(token_id)
        shown = "" if text is None else self._emit(self._flush() + text)
        self._strip = self._strip or token_id in self._strips_again_after
        return shown

    def finish(self) -> str:
        """Return what was kept back."""
        return self._emit(self._flush())

    def _flush(self) -> str:
        run, self._run = bytes(self._run), bytearray()
        try:
            return run.decode("utf-8")
        except UnicodeDecodeError:
            return "\N{REPLACEMENT CHARACTER}" * len(run)

    def _emit(self, text: str) -> str:
        if not self._strip or not text:
            return text
        self._strip = False
        return text.removeprefix(" ")
