"""In which order the lines of a page are read: columns, then rows from the top, each from the left; vertical Chinese from the right.

    boxes --bands of rows that share a gutter--> columns, each again --> rows --gaps--> blocks --> lines with block and row

A gutter is an upright strip without text. Rows that share one are columns of a text when they are long lines, when their paragraphs end
at different heights, or when lines beside each other do; otherwise they are a table or a form, which is read across.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import TypeAlias

from internvl.pipelines.ocr.line import Box, Line, area, is_wide

Interval: TypeAlias = tuple[float, float]
Row: TypeAlias = list[int]

# All in heights of the region's median line.
MIN_GUTTER = 0.4
OPEN_GAP = 0.8
HEADING_GAP = 0.6
SECTION_GAP = 1.2
PARAGRAPH_GAP = 0.6
LEVEL, NEARLY_LEVEL = 0.35, 0.2
CROSSED_GAPS_OF_COLUMNS = 3
LEVEL_SHARE_OF_A_TABLE = 0.85
# A line of prose is at least this many times as long as high: about 8 Chinese or 16 Latin characters.
PROSE_LENGTH = 8.0


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """The lines in the order a reader takes them, with `block` and `row` set. Upright lines come first where a page has both."""
    across = [line for line in lines if not line.vertical]
    down = [line for line in lines if line.vertical]
    if _characters(down) > _characters(across):
        across, down = [], list(lines)
    found: list[Line] = []
    for part, boxes in ((across, [line.box for line in across]), (down, [_turned(line.box) for line in down])):
        first = found[-1].block + 1 if found else 0
        for block, rows in enumerate(arranged(boxes), start=first):
            for number, row in enumerate(rows):
                found += [replace(part[index], block=block, row=number) for index in row]
    return found


def is_turned(lines: Sequence[Line]) -> bool:
    """Whether the page lies on its side: most characters stand on upright lines of a script that is not written downwards."""
    tall = [line for line in lines if line.vertical and sum(map(is_wide, line.text)) * 2 < line.characters]
    return _characters(tall) * 2 > _characters(lines)


def arranged(boxes: Sequence[Box]) -> list[list[Row]]:
    """Blocks of rows of indices."""
    return _region(boxes, list(range(len(boxes)))) if boxes else []


def _characters(lines: Sequence[Line]) -> int:
    return sum(line.characters for line in lines)


def _turned(box: Box) -> Box:
    """The page a quarter turned, so that lines from the right become rows from the top."""
    left, top, right, bottom = box
    return top, -right, bottom, -left


def _region(boxes: Sequence[Box], members: list[int]) -> list[list[Row]]:
    """A region's groups of bands one below the other: columns are regions again, what lies between them is rows."""
    height = median(_height(boxes[index]) for index in members)
    blocks: list[list[Row]] = []
    plain: list[int] = []
    for group, gutter in _groups(boxes, _bands(boxes, members, height), height):
        if gutter is None or not _are_columns(boxes, *_sides(boxes, group, gutter), height):
            plain += group
            continue
        blocks += _blocks(boxes, plain)
        columns, plain = _without_next_heading(boxes, group, gutter, height)
        for side in _sides(boxes, columns, gutter):
            blocks += _region(boxes, side)
    return blocks + _blocks(boxes, plain)


def _bands(boxes: Sequence[Box], members: list[int], height: float) -> list[list[int]]:
    """Members split wherever a white strip crosses the whole region."""
    bands: list[list[int]] = []
    bottom = 0.0
    for index in sorted(members, key=lambda each: (boxes[each][1], boxes[each][0])):
        # Boxes of close lines overlap a little; that is no reason to take them for one band.
        if not bands or boxes[index][1] >= bottom - 0.2 * height:
            bands.append([])
            bottom = boxes[index][3]
        bands[-1].append(index)
        bottom = max(bottom, boxes[index][3])
    return bands


def _groups(boxes: Sequence[Box], bands: list[list[int]], height: float) -> list[tuple[list[int], Interval | None]]:
    """Neighbouring bands that share a gutter, with the widest such; a band without a partner or gutter has None."""
    groups: list[tuple[list[int], Interval | None]] = []
    for band in bands:
        if groups:
            group, gutter = groups[-1]
            joined = _gutter(boxes, group + band, height)
            if (
                joined is not None
                and (gutter is not None or len(group) == 1)
                and not _starts_section(boxes, group, band, joined, height)
            ):
                groups[-1] = (group + band, joined)
                continue
        groups.append((band, _gutter(boxes, band, height)))
    return groups


def _gutter(boxes: Sequence[Box], members: list[int], height: float) -> Interval | None:
    """The widest strip between members that none of them enters."""
    best: Interval | None = None
    right = float("-inf")
    for index in sorted(members, key=lambda each: boxes[each][0]):
        left = boxes[index][0]
        if right > float("-inf") and left - right >= MIN_GUTTER * height and (best is None or left - right > best[1] - best[0]):
            best = (right, left)
        right = max(right, boxes[index][2])
    return best


def _starts_section(boxes: Sequence[Box], group: list[int], band: list[int], gutter: Interval, height: float) -> bool:
    """Whether a band left of the gutter alone stands so far below that it is what follows the columns, not a part of the first."""
    gap = min(boxes[index][1] for index in band) - max(boxes[index][3] for index in group)
    return gap > SECTION_GAP * height and not _sides(boxes, band, gutter)[1]


def _without_next_heading(boxes: Sequence[Box], group: list[int], gutter: Interval, height: float) -> tuple[list[int], list[int]]:
    """Columns, and what stands left below both of them: one or two lines behind a gap are the heading of what comes next."""
    left, right = _sides(boxes, group, gutter)
    end = _bottom(boxes, right)
    below = [index for index in left if boxes[index][1] > end]
    rest = [index for index in group if index not in below]
    apart = 0 < len(below) <= 2 and _top(boxes, below) - _bottom(boxes, rest) > HEADING_GAP * height
    return (rest, below) if apart else (group, [])


def _sides(boxes: Sequence[Box], members: list[int], gutter: Interval) -> tuple[list[int], list[int]]:
    middle = (gutter[0] + gutter[1]) / 2
    left = [index for index in members if boxes[index][0] < middle]
    return left, [index for index in members if boxes[index][0] >= middle]


def _are_columns(boxes: Sequence[Box], left: list[int], right: list[int], height: float) -> bool:
    """Whether two sides are read one after the other: they stand beside each other, as prose or without common rows."""
    if min(len(left), len(right)) < 2:
        return False
    few, many = sorted((left, right), key=len)
    beside = [any(_share_height(boxes[one], boxes[other]) for other in many) for one in few]
    if 2 * sum(beside) < len(few):
        return False
    if len(few) >= 3 and _is_prose(boxes, left, height) and _is_prose(boxes, right, height):
        return True
    gaps = min(_crossed_gaps(boxes, left, right, height), _crossed_gaps(boxes, right, left, height))
    if gaps >= CROSSED_GAPS_OF_COLUMNS and _level_share(boxes, few, many, NEARLY_LEVEL * height) < LEVEL_SHARE_OF_A_TABLE:
        return True
    return _level_share(boxes, few, many, LEVEL * height) < 0.5


def _level_share(boxes: Sequence[Box], few: list[int], many: list[int], near: float) -> float:
    """The part of the one that stands level with one of the other, to within so many pixels."""
    level = [any(abs(_middle(boxes[one]) - _middle(boxes[other])) < near for other in many) for one in few]
    return sum(level) / len(level)


def _crossed_gaps(boxes: Sequence[Box], side: list[int], other: list[int], height: float) -> int:
    """Gaps between paragraphs of one side, or of a column in it, where the other side goes on. Those of a table are gaps on both."""
    gutter = _gutter(boxes, side, height)
    if gutter is not None:
        return max(_crossed_gaps(boxes, part, other, height) for part in _sides(boxes, side, gutter))
    ends = [(_bottom(boxes, above), _top(boxes, below)) for above, below in pairwise(_rows(boxes, side))]
    gaps = [(top + bottom) / 2 for top, bottom in ends if bottom - top >= OPEN_GAP * height]
    return sum(any(boxes[index][1] < middle < boxes[index][3] for index in other) for middle in gaps)


def _share_height(one: Box, other: Box) -> bool:
    return min(one[3], other[3]) > max(one[1], other[1])


def _is_prose(boxes: Sequence[Box], members: list[int], height: float) -> bool:
    """Long lines that mostly fill the width of their column, or of each of their columns."""
    gutter = _gutter(boxes, members, height)
    if gutter is not None:
        return all(_is_prose(boxes, side, height) for side in _sides(boxes, members, gutter))
    widths = [boxes[index][2] - boxes[index][0] for index in members]
    whole = max(boxes[index][2] for index in members) - min(boxes[index][0] for index in members)
    lengths = [width / _height(boxes[index]) for width, index in zip(widths, members, strict=True)]
    return median(lengths) >= PROSE_LENGTH and median(widths) >= 0.6 * whole


def _blocks(boxes: Sequence[Box], members: list[int]) -> list[list[Row]]:
    """Rows from the top, with a new block after a gap that is wider than those between most rows."""
    rows = _rows(boxes, members)
    gaps = [_top(boxes, below) - _bottom(boxes, above) for above, below in pairwise(rows)]
    if not gaps:
        return [rows] if rows else []
    height = median(_height(boxes[index]) for index in members)
    limit = max(PARAGRAPH_GAP * height, 1.6 * median(gaps))
    blocks = [[rows[0]]]
    for gap, row in zip(gaps, rows[1:], strict=True):
        if gap > limit:
            blocks.append([])
        blocks[-1].append(row)
    return blocks


def _rows(boxes: Sequence[Box], members: list[int]) -> list[Row]:
    """Lines side by side: the middle of one lies within the height of the row's largest."""
    rows: list[Row] = []
    for index in sorted(members, key=lambda each: _middle(boxes[each])):
        tallest = max(rows[-1], key=lambda each: area(boxes[each])) if rows else index
        if rows and boxes[tallest][1] <= _middle(boxes[index]) <= boxes[tallest][3]:
            rows[-1].append(index)
        else:
            rows.append([index])
    return [sorted(row, key=lambda each: boxes[each][0]) for row in rows]


def _top(boxes: Sequence[Box], row: Row) -> float:
    return min(boxes[index][1] for index in row)


def _bottom(boxes: Sequence[Box], row: Row) -> float:
    return max(boxes[index][3] for index in row)


def _height(box: Box) -> float:
    return max(1.0, box[3] - box[1])


def _middle(box: Box) -> float:
    return (box[1] + box[3]) / 2
