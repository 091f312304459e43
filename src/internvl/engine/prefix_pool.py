"""What was read for earlier requests, kept for later ones: the next turn of a conversation, the same picture or system message.

Who continues all of a kept prefix takes its cache over; who shares only a part of it, or shares with a request that is still
running, gets a copy of that part, which is far cheaper than reading it again.
"""

from __future__ import annotations

from collections.abc import Sequence

from internvl.engine.prefix import Prefix
from internvl.inputs import ModelInputs
from internvl.models.config import LanguageConfig

# Shorter agreements, such as the first words of every template, are read again: copying them gains nothing.
WORTHWHILE_TOKENS = 16


class PrefixPool:
    """The prefixes used last, together at most `max_tokens` long."""

    def __init__(self, max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self._kept: list[Prefix] = []  # the one used last stands last

    @property
    def tokens(self) -> int:
        """How many tokens are kept."""
        return sum(len(prefix.ids) for prefix in self._kept)

    def add(self, prefix: Prefix) -> None:
        """Keep one; older ones go where it needs the room. One that is too long for all the room is not kept."""
        if len(prefix.ids) <= self.max_tokens:
            self.shrink(self.max_tokens - len(prefix.ids))
            self._kept.append(prefix)

    def shrink(self, tokens: int) -> None:
        """Forget the oldest ones until at most `tokens` are kept."""
        while self._kept and self.tokens > tokens:
            del self._kept[0]

    def take(self, inputs: ModelInputs, language: LanguageConfig, *, busy: Sequence[Prefix] = ()) -> Prefix | None:
        """The prefix that shares most with a prompt, for it alone; None where none shares enough. `busy` ones are only copied from."""
        if self.max_tokens <= 0:
            return None
        shared, best = max(
            ((prefix.shared_with(inputs, language), prefix) for prefix in (*self._kept, *busy)),
            key=lambda found: found[0],
            default=(0, None),
        )
        if best is None or shared < WORTHWHILE_TOKENS:
            return None
        if best in self._kept:  # by identity: prefixes have no equality of their own
            self._kept.remove(best)
            if shared == len(best.ids):
                return best
            self._kept.append(best)
        return Prefix(best.ids[:shared], best.tile_keys, best.cache.copy(shared), best.first_prompt)
