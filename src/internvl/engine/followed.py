"""A grammar's state that goes with an answer: on by what is new, back to where another answer parts from the last one.

answer (ids) --spelled--> what the matcher reads: the ids themselves, or their bytes
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from internvl.errors import GrammarLimitError

if TYPE_CHECKING:
    from llguidance import LLMatcher


class Followed:
    """`start`: a matcher of its own, at the start of its grammar. `spelled`: what it reads for an id."""

    def __init__(self, start: LLMatcher, spelled: Callable[[int], Sequence[int]]) -> None:
        self._start = start
        self._matcher = start.deep_copy()
        self._spelled = spelled
        self._answer: list[int] = []

    def at(self, answer: Sequence[int]) -> LLMatcher:
        """The matcher behind an answer. Raises GrammarLimitError when it can't be followed; the next call begins anew."""
        shared = self.shared_with(answer)
        undone = sum(len(self._spelled(token)) for token in self._answer[shared:])
        del self._answer[shared:]
        if undone and not self._matcher.rollback(undone):
            raise self.failed()
        for token in answer[shared:]:
            if not self._matcher.consume_tokens(list(self._spelled(token))):
                raise self.failed()
            self._answer.append(token)
        return self._matcher

    def shared_with(self, answer: Sequence[int]) -> int:
        """How many tokens an answer and the one that was followed last begin with alike."""
        last = self._answer
        if len(answer) >= len(last) and last == list(answer[: len(last)]):
            return len(last)
        return next((n for n, (new, old) in enumerate(zip(answer, last, strict=False)) if new != old), min(len(answer), len(last)))

    @property
    def followed(self) -> int:
        """How many tokens were followed last."""
        return len(self._answer)

    def failed(self) -> GrammarLimitError:
        """The error for a matcher that failed, which then begins anew: once failed it would stay so."""
        reason = self._matcher.get_error().strip().splitlines()
        self._matcher = self._start.deep_copy()
        self._answer = []
        return GrammarLimitError(f"the grammar of this answer became too complex: {reason[0][:200] if reason else 'no reason given'}")
