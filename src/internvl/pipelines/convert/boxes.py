"""Boxes of published files as the released records write them.

[x, y, w, h] | corners | points, in pixels --> Box --thousandths--> (x1, y1, x2, y2) --> <ref>dog</ref><box>[[x1, y1, x2, y2]]</box>

A side is `round(1000 * pixels / width)`, halves to the even number, as in the released data. A box that reaches over the edge by up
to a pixel is cut at the edge, since annotators' tools do that; one that reaches further is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from internvl.data.media_source import shortened
from internvl.pipelines.convert.sample import Refused

Thousandths: TypeAlias = tuple[int, int, int, int]
EDGE_PIXELS = 1.0
_MARKS = re.compile(r"</?(?:ref|box|quad|img|image|video|IMG_CONTEXT)>")


class Box(NamedTuple):
    """Left, top, right and bottom in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float


def from_sides(values: object) -> Box:
    """COCO's [x, y, width, height]."""
    x, y, width, height = _four(values)
    return Box(x, y, x + width, y + height)


def from_corners(values: object) -> Box:
    """[x1, y1, x2, y2]."""
    return Box(*_four(values))


def from_points(values: Sequence[Any]) -> Box:
    """The upright box around a polygon, [[x, y], ...] or [x, y, x, y, ...]."""
    pairs = bool(values) and all(isinstance(point, list | tuple) for point in values)
    flat = [side for point in values for side in point] if pairs else list(values)
    numbers = [_number(side, values) for side in flat]
    if len(numbers) < 4 or len(numbers) % 2:
        raise Refused(f"bad polygon: {shortened(values)}")
    return Box(min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2]))


def thousandths(box: Box, size: tuple[int, int]) -> Thousandths:
    """The box in thousandths of width and height. Raises Refused for one without an area, or outside of the picture."""
    width, height = size
    if not (box.x1 < box.x2 and box.y1 < box.y2):
        raise Refused(f"empty box: {_shown(box)} has no area")
    over = max(-box.x1, -box.y1, box.x2 - width, box.y2 - height)
    if over > EDGE_PIXELS:
        raise Refused(f"box outside: {_shown(box)} reaches {over:g} pixels over the edge of a picture of {width} x {height}")
    x1, x2 = (round(1000 * min(max(x, 0.0), width) / width) for x in (box.x1, box.x2))
    y1, y2 = (round(1000 * min(max(y, 0.0), height) / height) for y in (box.y1, box.y2))
    if x1 == x2 or y1 == y2:
        raise Refused(f"empty box: {_shown(box)} is thinner than a thousandth of {width} x {height}")
    return x1, y1, x2, y2


def ref(phrase: str, boxes: Iterable[Thousandths]) -> str:
    """A phrase with all its boxes, in the released form."""
    return f"<ref>{plain(phrase)}</ref>{marked(boxes)}"


def marked(boxes: Iterable[Thousandths]) -> str:
    """Boxes alone: `<box>[[x1, y1, x2, y2], ...]</box>`."""
    return f"<box>[{', '.join(str(list(box)) for box in boxes)}]</box>"


def plain(text: str) -> str:
    """The text, if it has none of the marks that mean a box or a picture. Raises Refused."""
    if _MARKS.search(text):
        raise Refused(f"marks in the text: {shortened(text)}")
    return text


def _four(values: object) -> list[float]:
    if not isinstance(values, list | tuple) or len(values) != 4:
        raise Refused(f"bad box: four numbers are expected, not {shortened(values)}")
    return [_number(value, values) for value in values]


def _number(value: object, whole: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refused(f"bad box: numbers are expected, not {shortened(whole)}")
    return float(value)


def _shown(box: Box) -> str:
    return "[" + ", ".join(f"{side:g}" for side in box) + "]"
