"""Which examples share a row: examples of known size go into open packs, and packs that are full come out.

    (tokens, tiles) of each example --first fit--> open packs, most tiles first --full, or too many open--> rows

The search is that of the released training code: an example joins the first open pack in which it fits. Nothing is cut, nothing is
filled up with made-up tiles, and what is larger than a pack is refused.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """What is packed."""

    @property
    def tokens(self) -> int: ...
    @property
    def tiles(self) -> int: ...


Item = TypeVar("Item", bound=Sized)


@dataclass
class Pack(Generic[Item]):
    """Examples that will share a row, in the order in which they came."""

    items: list[Item] = field(default_factory=list)
    tokens: int = 0
    tiles: int = 0

    def add(self, item: Item) -> None:
        """Put one more in."""
        self.items.append(item)
        self.tokens += item.tokens
        self.tiles += item.tiles


class Packer(Generic[Item]):
    """First fit over at most `most_open` packs of at most `max_tokens` tokens and `max_tiles` tiles each."""

    def __init__(self, *, max_tokens: int, max_tiles: int, most_open: int) -> None:
        self.max_tokens, self.max_tiles, self.most_open = max_tokens, max_tiles, most_open
        self.open: list[Pack[Item]] = []  # most tiles first; of those with equally many, the oldest change first

    def refusal(self, item: Item) -> str | None:
        """Why an example fits into no pack, or None."""
        if item.tokens > self.max_tokens:
            return f"{item.tokens} tokens, but a pack holds at most {self.max_tokens} (pack_tokens)"
        if item.tiles > self.max_tiles:
            return f"{item.tiles} tiles, but a pack holds at most {self.max_tiles} (pack_tiles)"
        return None

    def add(self, item: Item) -> list[Item] | None:
        """Put in an example that is not refused; the row that is complete now, if one is."""
        place = next((number for number, pack in enumerate(self.open) if self._fits(pack, item)), None)
        pack = Pack[Item]() if place is None else self.open.pop(place)
        pack.add(item)
        if pack.tokens == self.max_tokens or pack.tiles == self.max_tiles:
            return pack.items
        bisect.insort_right(self.open, pack, key=lambda each: -each.tiles)
        return self.open.pop(0).items if len(self.open) > self.most_open else None

    def flush(self) -> Iterator[list[Item]]:
        """The rows that are still open, at the end of the data."""
        while self.open:
            yield self.open.pop(0).items

    def restore(self, packs: Sequence[Sequence[Item]]) -> None:
        """Open packs as they once were, in their order."""
        self.open = []
        for items in packs:
            self.open.append(Pack())
            for item in items:
                self.open[-1].add(item)

    def _fits(self, pack: Pack[Item], item: Item) -> bool:
        return pack.tokens + item.tokens <= self.max_tokens and pack.tiles + item.tiles <= self.max_tiles


class Single(Packer[Item]):
    """No packing: every example is a row of its own, of any size."""

    def __init__(self) -> None:
        super().__init__(max_tokens=0, max_tiles=0, most_open=0)

    def refusal(self, item: Item) -> str | None:
        """None: `max_tokens` of the builder is the only limit."""
        return None

    def add(self, item: Item) -> list[Item] | None:
        """The example alone."""
        return [item]
