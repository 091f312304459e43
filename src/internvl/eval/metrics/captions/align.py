"""METEOR's alignment of a caption with a reference: which words or phrases stand for one another.

possible matches by place in the reference [m] -> beam search for most exact words, fewest chunks, least shift -> chosen matches.
Source: Denkowski and Lavie 2014 (METEOR 1.5), with the search rules of the original aligner, its rounding included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

_BEAM = 40


@dataclass(frozen=True, slots=True)
class Match:
    """`length` words of the reference from `start` stand for `said_length` words of the caption from `said`.

    `stage` is the matcher that found it: 0 exact, 1 stem, 2 synonym, 3 paraphrase.
    """

    stage: int
    start: int
    said: int
    length: int = 1
    said_length: int = 1

    @property
    def worth(self) -> int:
        """Words that count in the search. The original adds halves to a whole number, so a single word that isn't exact adds 0."""
        return self.length + self.said_length if self.stage == 0 else self.length // 2 + self.said_length // 2

    @property
    def known_mask(self) -> int:
        """The words of the reference as bits."""
        return ((1 << self.length) - 1) << self.start

    @property
    def said_mask(self) -> int:
        """The words of the caption as bits."""
        return ((1 << self.said_length) - 1) << self.said


@dataclass(slots=True)
class _Path:
    known_used: int
    said_used: int
    chosen: dict[int, Match] = field(default_factory=dict)
    worth: int = 0
    chunks: int = 0
    next_place: int = 0
    last_end: int = -1
    shift: int = 0

    def order(self) -> tuple[int, int, int]:
        return -self.worth, self.chunks, self.shift

    def take(self, match: Match) -> None:
        self.worth += match.worth
        if self.last_end not in (-1, match.said):
            self.chunks += 1
        self.next_place = match.start + match.length
        self.last_end = match.said + match.said_length

    def close_chunk(self) -> None:
        if self.last_end != -1:
            self.chunks += 1
            self.last_end = -1


def best_alignment(matches: Iterable[Match], known_length: int) -> tuple[list[Match], int]:
    """The chosen matches in the order of the reference's `known_length` words, and the number of chunks they form."""
    by_place: list[list[Match]] = [[] for _ in range(known_length)]
    for match in matches:
        by_place[match.start].append(match)
    chosen = _search(by_place, _fixed(by_place))
    return chosen, _chunks(chosen)


def _fixed(by_place: Sequence[Sequence[Match]]) -> _Path:
    """The path that holds the matches which share no word with any other match."""
    known_once = known_often = said_once = said_often = 0
    for match in (match for here in by_place for match in here):
        known_often |= known_once & match.known_mask
        said_often |= said_once & match.said_mask
        known_once |= match.known_mask
        said_once |= match.said_mask
    path = _Path(0, 0)
    for here in by_place:
        if len(here) == 1 and not (here[0].known_mask & known_often or here[0].said_mask & said_often):
            path.chosen[here[0].start] = here[0]
            path.known_used |= here[0].known_mask
            path.said_used |= here[0].said_mask
    return path


def _search(by_place: Sequence[Sequence[Match]], start: _Path) -> list[Match]:
    paths = [start]
    for place, here in enumerate(by_place):
        paths.sort(key=_Path.order)
        paths = [after for path in paths[:_BEAM] for after in _continued(path, place, here)] or paths[:1]
    for path in paths:
        path.close_chunk()
    best = min(paths, key=_Path.order)
    return [best.chosen[place] for place in sorted(best.chosen)]


def _continued(path: _Path, place: int, here: Sequence[Match]) -> list[_Path]:
    """What a path can become at one word of the reference."""
    if path.known_used >> place & 1:
        if place >= path.next_place:
            match = path.chosen.get(path.next_place)
            if match is None:
                return []
            path.take(match)
            path.shift += abs(match.start - match.said)
        return [path]
    grown = []
    for match in here:
        if path.known_used & match.known_mask or path.said_used & match.said_mask:
            continue
        longer = replace(path, chosen=path.chosen | {place: match})
        longer.known_used |= match.known_mask
        longer.said_used |= match.said_mask
        longer.take(match)
        # The original adds the shift to the path it came from, not to the new one; ties fall as they do there.
        path.shift += abs(match.start - match.said)
        grown.append(longer)
    path.close_chunk()
    path.next_place += 1
    return [*grown, path]


def _chunks(chosen: Sequence[Match]) -> int:
    """Runs of matches that follow one another without a gap on both sides."""
    followed = sum(
        one.start + one.length == other.start and one.said + one.said_length == other.said for one, other in pairwise(chosen)
    )
    return len(chosen) - followed
