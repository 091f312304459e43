"""What is known of a page once it is read: lines with boxes and scores, in pixels of the upright picture.

reader | text layer -> Line[n] -> PageText -> JSON columns `lines`, `width`, `height`, ... -> PageText
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

Box: TypeAlias = tuple[float, float, float, float]
"""left, top, right, bottom in pixels."""

THOUSAND = 1000


@dataclass(frozen=True, kw_only=True)
class Line:
    """A piece of text in one direction.

    box: around it. score: the reader's confidence, 0 to 1. vertical: its characters stand below each other. kept: good enough for a
    label. block, row: its place in the reading order; lines side by side share a row.
    """

    text: str
    box: Box
    score: float = 1.0
    language: str = ""
    vertical: bool = False
    kept: bool = True
    block: int = 0
    row: int = 0

    @property
    def characters(self) -> int:
        """How many, without spaces."""
        return sum(not each.isspace() for each in self.text)

    def to_json(self) -> dict[str, Any]:
        """As it stands in the column `lines`."""
        return {
            "text": self.text,
            "box": [round(side, 1) for side in self.box],
            "score": round(self.score, 4),
            "language": self.language,
            "vertical": self.vertical,
            "kept": self.kept,
            "block": self.block,
            "row": self.row,
        }

    @staticmethod
    def from_json(raw: Mapping[str, Any]) -> Line:
        """The line in a value of that column."""
        left, top, right, bottom = raw["box"]
        return Line(**{**raw, "box": (left, top, right, bottom)})


@dataclass(frozen=True, kw_only=True)
class PageText:
    """All lines of a page in reading order, those that are no labels included.

    complete: nothing on the page is missing or in doubt, so that it can be said what is not there. language: of most of its characters.
    """

    lines: tuple[Line, ...]
    width: int
    height: int
    language: str
    complete: bool

    @property
    def kept(self) -> tuple[Line, ...]:
        """The lines that may become labels."""
        return tuple(line for line in self.lines if line.kept)

    def rows(self) -> list[list[Line]]:
        """Kept lines, those of a row together."""
        return [list(row) for _, row in groupby(self.kept, key=lambda line: (line.block, line.row))]

    def thousandths(self, box: Box) -> list[int]:
        """A box as the released data has it: whole thousandths of width and height."""
        sides = (self.width, self.height, self.width, self.height)
        return [min(THOUSAND, max(0, round(THOUSAND * value / side))) for value, side in zip(box, sides, strict=True)]


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box with all of them in it."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def overlap(one: Box, other: Box) -> float:
    """Pixels that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def area(box: Box) -> float:
    """Pixels of a box."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def row_text(row: Sequence[Line]) -> str:
    """The texts of a row, with a space between them unless both sides are Chinese."""
    text = ""
    for line in row:
        text += (" " if text and not (is_wide(text[-1]) and is_wide(line.text[:1])) else "") + line.text
    return text


def is_wide(character: str) -> bool:
    """Whether a character belongs to a script without spaces between words: Chinese, Japanese, and their punctuation."""
    return bool(character) and (
        "\u2e80" <= character <= "\ua4cf"
        or "\uf900" <= character <= "\ufaff"
        or "\uff00" <= character <= "\uffef"
        or character >= "\U00020000"
    )
