"""RefCOCO, RefCOCO+ and RefCOCOg: is the box in the answer the box of the object?

answer text -> four numbers (0..1000, or 0..1) -> box in pixels -> IoU with the gold box -> hit at IoU 0.5.
The reading of the box follows the original InternVL grounding scorer, by a scan that is linear in the answer's length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from internvl.eval.errors import EvalError

_IOU_THRESHOLD = 0.5
_SUM_OF_THOUSANDTHS = 4.0  # four fractions of 1 add up to at most 4; a larger sum means coordinates of 0..1000
_LONGEST_NUMBER = 400  # a coordinate of more characters is no number anybody wrote on purpose


def refcoco_iou50(answer: str, gold: Sequence[float], height: float, width: float) -> list[object]:
    """`[hit, IoU, box]`: 1 where the first box of the answer has IoU >= 0.5 with `gold`, the IoU, and the box in pixels.

    `gold` is `[x1, y1, x2, y2]` in pixels of a picture of `width` x `height`. An answer without a readable box has the box
    `[0, 0, 0, 0]`. Raises `EvalError` for a gold box or a size that is no box or size. Source: RefCOCO, InternVL's scorer.
    """
    target = _gold_box(gold)
    if not (_is_size(height) and _is_size(width)):
        raise EvalError(f"the picture's size must be two positive numbers, got height {height!r} and width {width!r}")
    box = box_in_pixels(answer, height=height, width=width)
    iou = box_iou(box, target)
    return [int(iou >= _IOU_THRESHOLD), iou, box]


def box_in_pixels(answer: str, *, height: float, width: float) -> list[float]:
    """The first `[[x1, y1, x2, y2]]` of an answer in pixels; four zeros where there is none or a part is no number.

    Numbers that add up to 4 or more are thousandths of the picture, smaller ones are fractions.
    """
    numbers = _numbers(first_box_text(answer))
    if numbers is None:
        return [0.0, 0.0, 0.0, 0.0]
    if sum(numbers) >= _SUM_OF_THOUSANDTHS:
        numbers = [number / 1000 for number in numbers]
    box = [number * side for number, side in zip(numbers, (width, height, width, height), strict=True)]
    return box if all(map(math.isfinite, box)) else [0.0, 0.0, 0.0, 0.0]


def first_box_text(answer: str) -> tuple[str, str, str, str] | None:
    """The four texts of the first block `[a, b, c, d]` that stands in one line; the brackets may be several."""
    for line in answer.split("\n"):
        start = line.find("[")
        if start < 0:
            continue
        while line.startswith("[", start):
            start += 1
        cuts = _cuts(line, start)
        if cuts is not None:
            first, second, third, end = cuts
            return line[start:first], line[first + 1 : second], line[second + 1 : third], line[third + 1 : end]
    return None


def box_iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two `[x1, y1, x2, y2]` boxes whose areas count no extra pixel; 0 for empty boxes."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(wide, 0.0) * max(high, 0.0)
    union = _area(one) + _area(other) - shared
    return shared / union if shared > 0 and union > 0 else 0.0


def _cuts(line: str, start: int) -> tuple[int, int, int, int] | None:
    first = line.find(",", start)
    second = line.find(",", first + 1) if first >= 0 else -1
    third = line.find(",", second + 1) if second >= 0 else -1
    end = line.find("]", third + 1) if third >= 0 else -1
    return None if end < 0 else (first, second, third, end)


def _numbers(texts: Sequence[str] | None) -> list[float] | None:
    if texts is None or any(len(text) > _LONGEST_NUMBER for text in texts):
        return None
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _gold_box(gold: Sequence[float]) -> list[float]:
    if len(gold) != 4 or not all(_is_number(side) for side in gold):
        raise EvalError(f"a gold box is [x1, y1, x2, y2] in pixels, got {gold!r}")
    return [float(side) for side in gold]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_size(value: object) -> bool:
    return isinstance(value, int | float) and _is_number(value) and value > 0


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
