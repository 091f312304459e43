"""Added tokens: names such as `<|im_end|>` that stand for one id, and how a prompt is cut at them.

    pieces (Trusted | Typed | int)  ->  chunks (str | int)

A chunk of text holds no control token any more; a tokenizer's model sees it as one string. Tokens that eat the white space beside
them (Phi-3's `<|user|>`) have done so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from internvl.errors import TokenizerError
from internvl.prompt.pieces import TextPiece, Trusted

Chunk: TypeAlias = str | int


@dataclass(frozen=True, kw_only=True)
class AddedToken:
    """One name with its id.

    lstrip, rstrip: the token eats the white space on its left, on its right.
    single_word: it is only recognised with white space, or nothing, on both sides.
    special: the files flag it as a control token.
    """

    name: str
    id: int
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False
    special: bool = False


class AddedTokens:
    """All added tokens of a tokenizer, by name and by id."""

    def __init__(self, tokens: Iterable[AddedToken]) -> None:
        self.by_name: dict[str, AddedToken] = {}
        self.by_id: dict[int, AddedToken] = {}
        for token in tokens:
            self._add(token)
        self._every_name = _pattern(self.by_name)
        self._patterns: dict[frozenset[str], re.Pattern[str] | None] = {}

    def _add(self, token: AddedToken) -> None:
        for other in (self.by_name.get(token.name), self.by_id.get(token.id)):
            if other is not None and (other.name, other.id) != (token.name, token.id):
                raise TokenizerError(
                    f"added tokens collide here or in tokenizer_config.json or added_tokens.json: {token.name!r} has id {token.id}, "
                    f"but {other.name!r} has id {other.id}"
                )
        self.by_name[token.name] = token
        self.by_id[token.id] = token

    @property
    def ids(self) -> Mapping[str, int]:
        """name -> id."""
        return {name: token.id for name, token in self.by_name.items()}

    def chunks(self, pieces: Sequence[TextPiece], prepare: Callable[[str], str] = str) -> list[Chunk]:
        """Cut the pieces at added tokens; texts that touch are joined and then prepared, none is empty."""
        joined: list[Chunk] = []
        for piece in self._cut_all(pieces):
            if isinstance(piece, str) and joined and isinstance(joined[-1], str):
                joined[-1] += piece
            elif piece != "":
                joined.append(piece)
        return self._strip([prepare(chunk) if isinstance(chunk, str) else chunk for chunk in joined])

    def _cut_all(self, pieces: Sequence[TextPiece]) -> Iterator[Chunk]:
        for piece in _join_trusted(pieces):
            if isinstance(piece, int):
                yield piece
            elif isinstance(piece, Trusted):
                yield from self._cut(piece.text, self._every_name)
            else:
                yield from self._cut(piece.text, self._marks(piece.marks))

    def _marks(self, names: frozenset[str]) -> re.Pattern[str] | None:
        if names not in self._patterns:
            self._patterns[names] = _pattern(name for name in names if name in self.by_name)
        return self._patterns[names]

    def _cut(self, text: str, names: re.Pattern[str] | None) -> Iterator[Chunk]:
        start = 0
        for match in names.finditer(text) if names else ():
            token = self.by_name[match.group()]
            if token.single_word and not _stands_alone(text, match.start(), match.end()):
                continue
            yield text[start : match.start()]
            yield token.id
            start = match.end()
        yield text[start:]

    def _strip(self, chunks: list[Chunk]) -> list[Chunk]:
        """Let each token eat the white space that it wants; drop texts that this leaves empty."""
        stripped: list[Chunk] = []
        for index, chunk in enumerate(chunks):
            if isinstance(chunk, str):
                if index and self._wants(chunks[index - 1], "rstrip"):
                    chunk = chunk.lstrip()
                if index + 1 < len(chunks) and self._wants(chunks[index + 1], "lstrip"):
                    chunk = chunk.rstrip()
            if chunk != "":
                stripped.append(chunk)
        return stripped

    def _wants(self, chunk: Chunk, side: str) -> bool:
        token = self.by_id.get(chunk) if isinstance(chunk, int) else None
        return token is not None and (token.rstrip if side == "rstrip" else token.lstrip)


def _join_trusted(pieces: Sequence[TextPiece]) -> Iterator[TextPiece]:
    """A name may run over the border of two trusted texts, as it does in a template rendered to one string."""
    pending = ""
    for piece in pieces:
        if isinstance(piece, Trusted):
            pending += piece.text
            continue
        if pending:
            yield Trusted(pending)
            pending = ""
        yield piece
    if pending:
        yield Trusted(pending)


def _pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    longest_first = sorted((name for name in names if name), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _stands_alone(text: str, start: int, end: int) -> bool:
    return (start == 0 or text[start - 1].isspace()) and (end == len(text) or text[end].isspace())
