"""What was read for earlier requests, kept for later ones: the next turn of a conversation, the same picture or system message.

Who continues all of a kept prefix takes its cache over; who shares only a part of it, or shares with a request that is still under
way, gets a copy of that part, a thousandth of the cost of reading it again. Where there is no memory for a copy, the kept one is taken
over too, and its end forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from internvl.engine.prefix import Prefix
from internvl.inputs import ModelInputs
from internvl.models.config import LanguageConfig

# Shorter agreements, such as the first words of every template, are read again: copying them gains nothing.
WORTHWHILE_TOKENS = 16
# A request is compared with each kept one, in about 0.02 ms.
MOST_KEPT = 64


class PrefixPool:
    """The prefixes used last, a few dozen; their storage together is at most `max_tokens` long."""

    def __init__(self, max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self._kept: list[Prefix] = []  # the one used last stands last

    @property
    def tokens(self) -> int:
        """For how many tokens storage is kept."""
        return sum(prefix.cache.capacity for prefix in self._kept)

    def add(self, prefix: Prefix) -> None:
        """Keep one; older ones go where it needs the room. One that is too long for all the room is not kept."""
        if 0 < prefix.cache.length <= self.max_tokens:
            prefix.cache.trim()
            self._kept = [kept for kept in self._kept if not kept.is_within(prefix)]
            self._kept = self._kept[1 - MOST_KEPT :]
            self.shrink(self.max_tokens - prefix.cache.capacity)
            if prefix.cache.capacity <= self.max_tokens:
                self._kept.append(prefix)

    def shrink(self, tokens: int) -> None:
        """Forget the oldest ones until there is storage for at most `tokens`."""
        held = self.tokens
        while self._kept and held > tokens:
            held -= self._kept.pop(0).cache.capacity

    def take(
        self, inputs: ModelInputs, language: LanguageConfig, *, busy: Sequence[Prefix] = (), room: int | None = None
    ) -> Prefix | None:
        """The prefix that shares most with a prompt; None where none shares enough. It is lent, or no longer kept.

        busy: those of requests under way; they are only lent. room: tokens of storage the pool may have from now on, None for as many
        as it has; older ones go where it is exceeded.
        """
        room = self.max_tokens if room is None else min(room, self.max_tokens)
        shared, best = best_of([*self._kept, *busy] if self.max_tokens > 0 else (), inputs, language)
        kept = best in self._kept  # by identity: prefixes have no equality of their own
        if best is None or not worth_sharing(shared):
            self.shrink(room)
            return None
        if kept:
            self._kept.remove(best)
            if shared == len(best.ids) or self.tokens + best.cache.capacity > room:
                self.shrink(room)
                return best
            self._kept.append(best)
        self.shrink(room)
        return replace(best, lent=True)


def best_of(prefixes: Sequence[Prefix], inputs: ModelInputs, language: LanguageConfig) -> tuple[int, Prefix | None]:
    """How many tokens of a prompt the best of some prefixes has, and which it is; (0, None) if there are none."""
    found = ((prefix.shared_with(inputs, language), prefix) for prefix in prefixes)
    return max(found, key=lambda each: each[0], default=(0, None))


def worth_sharing(tokens: int) -> bool:
    """Whether an agreement is long enough to be copied."""
    return tokens >= WORTHWHILE_TOKENS
