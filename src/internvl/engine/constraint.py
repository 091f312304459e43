"""What holds one answer to its grammar: which tokens may follow, whether it is complete, and how it ends in time.

    answer so far (ids) --the grammar's state follows--> bias of tokens [vocabulary]; a chosen token, or the ending's instead

The state is a function of the answer alone: whatever was asked before, it goes on or back to the answer that is given, so a step may
be repeated, and drafts may be looked at and thrown away.
An answer is valid also when its tokens run out: before what is left is less than the shortest ending needs, that ending is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from internvl.engine.ending import shortest_ending
from internvl.engine.followed import Followed
from internvl.errors import GrammarLimitError

if TYPE_CHECKING:
    from llguidance import LLMatcher

    from internvl.engine.grammar import Grammar

RARELY, STEPS_A_TOKEN = 16, 250
ALLOWED, LARGEST = np.float32(200), np.finfo(np.float32).max
"""The flag of a token that may follow; of others it is 0."""


class Constraint:
    """The state of one answer. `room`: how many tokens it may have. `matcher` and `over_bytes` are its own, at the grammar's start."""

    def __init__(self, grammar: Grammar, matcher: LLMatcher, over_bytes: LLMatcher, *, room: int) -> None:
        self._grammar = grammar
        self._vocabulary = grammar.vocabulary
        self._state = Followed(matcher, lambda token: (token,))
        self._over_bytes = Followed(over_bytes, self._vocabulary.tokens.__getitem__)
        self._room = room
        self._hurried_at: int | None = None
        self._look_at = 0
        # An answer, and tokens that complete it.
        self._ending: tuple[list[int], list[int]] | None = None if grammar.whole is None else ([], list(grammar.whole))
        self._found = (b"", list[int]())  # the ending that was found last, as text and as tokens

    def accepts(self, answer: Sequence[int], token: int) -> bool:
        """Whether a token may follow."""
        matcher = self._at(answer)
        if token in self._vocabulary.stop_ids:
            return matcher.is_accepting()
        return matcher.validate_tokens([token]) == 1

    def allowed(self, answer: Sequence[int], tokens: Sequence[int]) -> int:
        """How many of some tokens, one after the other, may follow."""
        return self._at(answer).validate_tokens(list(tokens))

    def bias(self, answer: Sequence[int], width: int) -> Tensor:
        """What is added to scores [width]: 0 for tokens that may follow, minus infinity for all others; on the CPU."""
        matcher = self._at(answer)
        flags = np.frombuffer(matcher.compute_logit_bias(), dtype=np.uint8)
        if matcher.is_error():
            raise self._state.failed()
        bias = np.full(width, -np.inf, dtype=np.float32)
        count = min(width, len(flags))
        with np.errstate(over="ignore"):
            # 0 stays 0, and what lies below it overflows: many times as fast as to choose by a mask.
            np.multiply(flags[:count].astype(np.float32) - ALLOWED, LARGEST, out=bias[:count])
        return torch.from_numpy(bias)

    def complete(self, answer: Sequence[int]) -> bool:
        """Whether the answer satisfies the grammar and nothing may follow."""
        matcher = self._at(answer)
        return matcher.is_stopped() and matcher.is_accepting()

    @property
    def hurried(self) -> bool:
        """Whether another token than the chosen one was written somewhere, to end in time."""
        return self._hurried_at is not None

    def in_time(self, answer: Sequence[int], token: int) -> int:
        """The token, or where the answer could not be completed behind it, what leads to its shortest ending."""
        if token in self._vocabulary.stop_ids or self._grammar.shortest is None or len(answer) < self._look_at:
            return token
        so_far, left = list(answer), self._room - len(answer) - 1
        known = self._known(so_far)
        if known and known[0] == token:
            self._ending = ([*so_far, token], known[1:])
        ending = self._ending_of([*so_far, token])
        if ending is not None and len(ending) <= left:
            self._look_at = len(answer) + 1 + (left - len(ending)) // self._growth
            return token
        if ending is None and left > RARELY * self._growth:
            self._look_at = len(answer) + RARELY
            return token
        known = self._ending_of(so_far) if known is None else known
        if known is None or len(known) > left + 1:
            return token  # too late: an ending grew by more than was thought possible
        self._hurried_at = len(answer)
        self._ending = (so_far + known[:1], known[1:])
        return known[0] if known else min(self._vocabulary.stop_ids)

    @property
    def _growth(self) -> int:
        """By how much one token may make the shortest ending longer, as is thought."""
        return max(2 * (self._grammar.shortest or 0), self._grammar.opening) + 8

    def _known(self, answer: list[int]) -> list[int] | None:
        return self._ending[1] if self._ending is not None and self._ending[0] == answer else None

    def _ending_of(self, answer: list[int]) -> list[int] | None:
        """The shortest ending of an answer, in tokens."""
        known = self._known(answer)
        if known is not None:
            return known
        try:
            state = self._over_bytes.at(answer)
        except GrammarLimitError:
            return None  # over bytes limits are met sooner; the answer itself may go on
        if not self._still_ends(state):
            most = 4 * (self._room - len(answer)) + 16
            text = shortest_ending(state, longest=most, hints=self._grammar.hints, steps=STEPS_A_TOKEN)
            ids = None if text is None else self._vocabulary.cut(text)
            if text is None or ids is None:
                return None
            self._found = (text, ids)
        self._ending = (answer, self._found[1])
        return self._found[1]

    def _still_ends(self, state: LLMatcher) -> bool:
        """Whether the last ending completes this answer too, as inside of a string. A shorter one may exist, but costs a search."""
        text = self._found[0]
        behind = state.deep_copy()
        return bool(text) and behind.try_consume_tokens(list(text)) == len(text) and behind.is_accepting()

    def _at(self, answer: Sequence[int]) -> LLMatcher:
        """The state behind an answer; what was noted about tokens that it hasn't is forgotten."""
        shared = self._state.shared_with(answer)
        if shared < self._state.followed:
            self._look_at = min(self._look_at, shared)
            if self._hurried_at is not None and self._hurried_at >= shared:
                self._hurried_at = None
        return self._state.at(answer)
