"""The shortest text that ends an answer as its grammar wants it: what is written when an answer is about to run out of tokens.

    state of a grammar over single bytes --what closes comes first--> bytes that lead to its end, or None where none was found

The search is an estimate with a bound. It follows what closes something as far as that leads, and then what differs from it a little;
of letters, digits and other classes one stands for all. For JSON it finds the shortest ending or one close to it.
"""

from __future__ import annotations

import heapq
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llguidance import LLMatcher

BEHIND_VALUE, INSIDE_STRING, BEFORE_VALUE = b"}],:", b'"', b'0123456789n"tf[{'
OUTSIDE_STRINGS = frozenset(b' \n\r\t{}[],:"-0123456789tfn.eE+')
CLASSES = (
    string.ascii_lowercase.encode(),
    string.ascii_uppercase.encode(),
    string.digits.encode(),
    *(bytes([sign]) for sign in string.punctuation.encode()),
    *(bytes(range(lead, lead + 16)) for lead in range(0x80, 0x100, 16)),
    bytes(range(0x21)),
)
RUN = re.compile(rb"(.)\1{2,}", re.DOTALL)
FEW = 12
LONG_RUN, TRIED_IN_RUN = 8, 3


def shortest_ending(
    matcher: LLMatcher, *, longest: int, hints: Sequence[bytes] = (), steps: int = 1500, patience: int = 0
) -> bytes | None:
    """At most `longest` bytes that complete what `matcher` has read so far; it stays as it is.

    hints: words that may have to be said as they are. steps: after so many there is none. patience: for how many of them a shorter
    ending is looked for once there is one.
    """
    search = _Search(matcher, hints)
    found: bytes | None = None
    while steps > 0 and search.open:
        steps -= 1
        path = heapq.heappop(search.open)
        state = path.state() if len(path.text) <= longest else None
        if state is None:
            continue
        if not state.is_accepting():
            search.go_on(path, state)
            continue
        found = _without_runs(matcher, path.text)
        steps, longest = min(steps, patience), len(found) - 1
    return found


@dataclass(order=True)
class _Path:
    """Bytes that may be an ending, or its beginning. `piece` is the last of them, behind the state `before`, where `mask` could come.

    rank: how far it is from what closes first; of equal ones the longer goes on. run: how often the same could come, over and over.
    """

    rank: int
    left: int
    number: int
    text: bytes = field(compare=False)
    piece: bytes = field(compare=False)
    before: LLMatcher = field(compare=False)
    mask: bytes = field(compare=False)
    run: int = field(compare=False)

    def state(self) -> LLMatcher | None:
        """The state behind it; copied only now, since most paths are never gone."""
        state = self.before.deep_copy()
        return state if not self.piece or state.consume_tokens(list(self.piece)) else None


class _Search:
    """Paths that are still to be gone, and what may follow after so many bytes where one went already."""

    def __init__(self, matcher: LLMatcher, hints: Sequence[bytes]) -> None:
        self._hints = hints
        self._numbers = count()
        self._seen: set[tuple[int, bytes]] = set()
        self.open = [_Path(0, 0, next(self._numbers), b"", b"", matcher, b"", 0)]

    def go_on(self, path: _Path, state: LLMatcher) -> None:
        """Add what may follow a path, unless another as long could go on in the same way."""
        mask = state.compute_logit_bias()
        allowed = [byte for byte in range(256) if mask[byte]]
        forced = state.compute_ff_bytes() if len(allowed) == 1 else b""
        if state.is_error() or (len(path.text), forced or mask) in self._seen:
            return
        self._seen.add((len(path.text), forced or mask))
        run = path.run + 1 if mask == path.mask else 0  # a string or a number that goes on and on
        pieces = [forced] if forced else _pieces(allowed, mask)
        if len(allowed) > FEW:
            pieces[1:1] = [word for word in self._hints if mask[word[0]] and state.validate_tokens(list(word)) == len(word)]
        for place, piece in enumerate(pieces[: TRIED_IN_RUN if run > LONG_RUN else None]):
            text, rank = path.text + piece, path.rank + min(place, 2) + (run % LONG_RUN == LONG_RUN - 1)
            heapq.heappush(self.open, _Path(rank, -len(text), next(self._numbers), text, piece, state, mask, run))


def _without_runs(matcher: LLMatcher, path: bytes) -> bytes:
    """The same ending where a byte that comes many times comes once, wherever once is enough."""
    for run in reversed(list(RUN.finditer(path))):
        shorter = path[: run.start() + 1] + path[run.end() :]
        state = matcher.deep_copy()
        if state.consume_tokens(list(shorter)) and state.is_accepting():
            path = shorter
    return path


def _pieces(allowed: list[int], mask: bytes) -> list[bytes]:
    """What may come next, best first: what closes something, then all others where they are few, else one of each class."""
    closing = [byte for byte in (BEHIND_VALUE + BEFORE_VALUE if OUTSIDE_STRINGS.issuperset(allowed) else INSIDE_STRING) if mask[byte]]
    others = allowed
    if len(allowed) > FEW:
        others = [first for members in CLASSES if (first := next((byte for byte in members if mask[byte]), None)) is not None]
    return [bytes([byte]) for byte in dict.fromkeys(closing + others)]
