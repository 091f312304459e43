"""What can be asked about a page: reading it, reading a region, finding a text. Each question has one certain answer.

    PageText -> Ask[n] of a kind: form of the question, what is put into it, answer

A region or a text is asked for only where nothing in doubt lies in it, and where no second one would do as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from internvl.pipelines.ocr.config import OcrConfig
from internvl.pipelines.ocr.filters import confident_share
from internvl.pipelines.ocr.line import Box, Line, PageText, area, around, overlap, row_text

# "Read everything" leaves out what is in doubt, so hardly anything may be.
LEAST_SHARE_TO_READ_ALL = 0.97
LOCATED_CHARACTERS = (2, 60)
MAX_REGION_SHARE = 0.2
MIN_SIDE_THOUSANDTHS = 4


@dataclass(frozen=True)
class Ask:
    """form: key of the wordings in `phrasings`. values: what the question names. answer: what stands on the page."""

    form: str
    answer: str
    values: Mapping[str, str] = field(default_factory=dict)


def read_all(page: PageText, config: OcrConfig) -> list[Ask]:
    """The whole page, where it is not too long and nearly nothing is in doubt."""
    text = text_of(page.rows())
    fits = 0 < len(text) <= config.max_answer_characters
    return [Ask("read_all", text)] if fits and confident_share(page.lines) >= LEAST_SHARE_TO_READ_ALL else []


def read_region(page: PageText, config: OcrConfig) -> list[Ask]:
    """Single lines, and blocks of several rows."""
    rows = page.rows()
    blocks = [list(block) for _, block in groupby(rows, key=lambda row: row[0].block)]
    regions = [[row] for row in rows] + [block for block in blocks if len(block) > 1]
    found = []
    for region in regions:
        box = around(line.box for row in region for line in row)
        text = text_of(region)
        if len(text) <= config.max_answer_characters and is_clear(page, box, [line for row in region for line in row]):
            found.append(Ask("read_block" if len(region) > 1 else "read_region", text, {"box": box_text(page, [box])}))
    return found


def locate(page: PageText, config: OcrConfig) -> list[Ask]:
    """Lines whose text is nowhere else on the page."""
    everything = [squeezed(line.text) for line in page.lines]
    found = []
    for line in page.kept:
        text = squeezed(line.text)
        alone = sum(text in other for other in everything) == 1
        if (
            alone
            and LOCATED_CHARACTERS[0] <= len(text) <= LOCATED_CHARACTERS[1]
            and is_quotable(line.text)
            and _has_size(page, line.box)
        ):
            found.append(Ask("locate", f"<ref>{line.text}</ref>{box_text(page, [line.box])}", {"text": line.text}))
    return found


def text_of(rows: Sequence[Sequence[Line]]) -> str:
    """Rows as lines of text."""
    return "\n".join(row_text(row) for row in rows)


def box_text(page: PageText, boxes: Sequence[Box]) -> str:
    """Boxes in the released form, thousandths of width and height."""
    return f"<box>[{', '.join(str(page.thousandths(box)) for box in boxes)}]</box>"


def is_quotable(text: str) -> bool:
    """Whether a text may stand in a question: no brackets of marks, no quotes that would end the quotation."""
    return not any(sign in text for sign in '<>"“”')


def squeezed(text: str) -> str:
    """For comparing: no spaces, no case."""
    return "".join(text.split()).casefold()


def is_clear(page: PageText, box: Box, inside: Sequence[Line]) -> bool:
    """Whether a box holds these lines and no part of another, and is worth asking for."""
    mine = set(map(id, inside))
    others = (line for line in page.lines if id(line) not in mine)
    return _has_size(page, box) and not any(overlap(box, other.box) > MAX_REGION_SHARE * area(other.box) for other in others)


def _has_size(page: PageText, box: Box) -> bool:
    left, top, right, bottom = page.thousandths(box)
    return right - left >= MIN_SIDE_THOUSANDTHS and bottom - top >= MIN_SIDE_THOUSANDTHS


def neighbours(rows: Sequence[Sequence[Line]]) -> Iterator[tuple[Sequence[Line], Sequence[Line]]]:
    """Each row with the next one of its block."""
    for above, below in pairwise(rows):
        if above[0].block == below[0].block:
            yield above, below
