"""A tokenizer as a grammar needs it: the bytes that each id adds to an answer, and the ids that are no text.

    Tokenizer -> ByteTokens: tokens[id] = bytes, hidden = control tokens, empty and unknown ones

Bytes, not text: a token may be half a character, and what a tokenizer tidies up when it decodes (a first blank, blanks before
punctuation) is part of what a grammar counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from internvl.prompt.detokenize import ByteLevelDecoder
from internvl.prompt.tokenizer import Tokenizer


@dataclass(frozen=True)
class ByteTokens:
    """tokens: the bytes of every id. hidden: ids that are never text. opens_with_blank: texts are encoded with a blank in front."""

    tokens: tuple[bytes, ...]
    hidden: frozenset[int]
    opens_with_blank: bool


def byte_tokens(tokenizer: Tokenizer, *, shown: Collection[int] = frozenset()) -> ByteTokens:
    """The bytes of a tokenizer's ids. `shown`: added tokens that count as their names, such as `<box>`."""
    tokens = tuple(tokenizer.token_bytes(id) for id in range(tokenizer.vocab_size))
    roles = {id for id in (tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id, tokenizer.unk_id) if id is not None}
    control = roles | set(tokenizer.added_tokens.values()) | tokenizer.special_ids
    empty = {id for id, token in enumerate(tokens) if not token}
    word = b"".join(tokens[id] for id in tokenizer.encode_text("a"))
    return ByteTokens(tokens, frozenset((control | empty) - set(shown)), opens_with_blank=word == b" a")


class ExactDecoder:
    """Ids to the text their bytes spell, nothing tidied; with `drops_blank` without the one blank that may open it."""

    def __init__(self, token_bytes: Callable[[int], bytes], *, drops_blank: bool) -> None:
        self._bytes = ByteLevelDecoder(token_bytes)
        self._drops_blank = drops_blank

    def push(self, token_id: int) -> str:
        """Take the next id; return the text that became certain, never half a character."""
        return self._shown(self._bytes.push(token_id))

    def finish(self) -> str:
        """Return the rest. Bytes that never became a character come as U+FFFD."""
        return self._shown(self._bytes.finish())

    def _shown(self, text: str) -> str:
        if not text or not self._drops_blank:
            return text
        self._drops_blank = False
        return text.removeprefix(" ")
