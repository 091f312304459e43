"""Two readers of one picture: what both read alike is trusted, the rest is in doubt.

    Line[n], Line[m] --boxes that overlap--> groups --texts alike--> Line[n] of the first, score 0 where they differ, and what it missed

Two detectors cut lines at different places, so groups of pieces are compared, not pieces.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from internvl.pipelines.ocr.line import Line, area, overlap
from internvl.pipelines.ocr.reader import Reader
from internvl.pipelines.ocr.reading_order import arranged

if TYPE_CHECKING:
    import PIL.Image

# Of the smaller box. Lines below each other share less, pieces of one line that are cut differently often not much more.
SAME_PLACE = 0.35


@dataclass(frozen=True)
class AgreeingReaders:
    """A reader made of two: boxes, texts and scores of the first, doubted by the second."""

    first: Reader
    second: Reader

    def read(self, picture: PIL.Image.Image) -> list[Line]:
        """See `Reader`. Lines that the two read differently, and lines that only one found, have score 0."""
        return agreed(self.first.read(picture), self.second.read(picture))

    def read_line(self, picture: PIL.Image.Image) -> str:
        """See `Reader`; the first's."""
        return self.first.read_line(picture)


def agreed(first: Sequence[Line], second: Sequence[Line]) -> list[Line]:
    """The first's lines, and behind them the second's where the first has none."""
    found: list[Line] = []
    for ours, theirs in matched(first, second):
        alike = bool(ours) and compared(ours) == compared(theirs)
        found += [line if alike else replace(line, score=0.0) for line in ours or theirs]
    return found


def matched(first: Sequence[Line], second: Sequence[Line]) -> list[tuple[list[Line], list[Line]]]:
    """Lines of both that lie on each other, through whatever chain; in the order of the first."""
    groups: list[tuple[list[Line], list[Line]]] = [([line], []) for line in first]
    for line in second:
        touched = [group for group in groups if any(_together(line, each) for side in group for each in side)]
        merged = ([each for group in touched for each in group[0]], [each for group in touched for each in group[1]] + [line])
        place = groups.index(touched[0]) if touched else len(groups)
        groups = [merged if index == place else group for index, group in enumerate(groups) if index == place or group not in touched]
        if not touched:
            groups.append(merged)
    return groups


def _together(one: Line, other: Line) -> bool:
    return overlap(one.box, other.box) > SAME_PLACE * max(1.0, min(area(one.box), area(other.box)))


def compared(lines: Sequence[Line]) -> str:
    """A group's text without spaces, and with full-width signs as their plain ones: the readers differ in both at will."""
    boxes = [line.box for line in lines]
    ordered = [lines[index] for block in arranged(boxes) for row in block for index in row]
    return "".join(unicodedata.normalize("NFKC", line.text) for line in ordered).replace(" ", "")
