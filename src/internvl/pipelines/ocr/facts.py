"""Answers that stand on the page: the value behind a label, the line below another, the only address, number or date.

    "Total: 12.50"  -> what is written after "Total"? 12.50           ada@example.org  -> which e-mail address? ada@example.org

Only what is certain: a label that occurs once, a value that ends in its row, a pattern that fits once. The rest is not asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from internvl.pipelines.ocr.ask import Ask, is_quotable, neighbours, squeezed
from internvl.pipelines.ocr.config import OcrConfig
from internvl.pipelines.ocr.line import Line, PageText, around, row_text

# The full-width colon, \uff1a, is that of Chinese.
_LABELLED = re.compile(r"^(?P<label>[^\W\d_][^:\uff1a]{1,38}?)\s*[:\uff1a]\s*(?P<value>[^\s:\uff1a/\\].{0,58})?$")
_SECOND_LABEL = re.compile(r"[^\W\d_]\s*(?:\uff1a|:(?:\s|$))")
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)"
)
_DATES = (
    r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)",
    r"(?<!\d)\d{4}\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?日",
    rf"\b{_MONTH}\.?\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}\b",
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s{_MONTH}\.?,?\s\d{{4}}\b",
    r"(?<![\d/])\d{1,2}/\d{1,2}/\d{4}(?![\d/])",
    r"(?<![\d.])\d{1,2}\.\d{1,2}\.\d{4}(?![\d.])",
)
# A number is a telephone's if it says so, or has a country code.
_PHONE_NUMBER = r"\+?\(?\d[\d\s()./-]{5,18}\d"
PATTERNS = {
    "email": re.compile(r"(?<![\w.+-])[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(?![\w@-])", re.ASCII),
    "url": re.compile(r"(?:https?://|www\.)[A-Za-z0-9][^\s<>\"'(),;\uff0c\u3002\uff1b\u3001\uff08\uff09]*[A-Za-z0-9/#]"),
    "phone": re.compile(
        rf"(?:(?:\b(?:Tel(?:ephone)?|Phone|Mobile|Call)\b|电话|手机|联系电话)\.?\s*[:\uff1a]?\s*(?P<labelled>{_PHONE_NUMBER}))|(?P<plain>\+\d{{1,3}}[\s-]?{_PHONE_NUMBER})",
        re.IGNORECASE,
    ),
    "date": re.compile("|".join(_DATES)),
}
# A row that ends before this part of its block's width has no room for saying that it goes on.
ENDS_EARLY = 0.85
FOLLOWED_CHARACTERS = (6, 60)


def answers(page: PageText, config: OcrConfig) -> list[Ask]:
    """All certain questions whose answer is a piece of the page."""
    rows = page.rows()
    return [*_labels(page, rows), *_found_once(page, rows), *_below(page, rows)]


def _labels(page: PageText, rows: Sequence[Sequence[Line]]) -> Iterator[Ask]:
    """Label and value in one piece, or in two beside each other."""
    pairs = [list(_pairs(row)) for row in rows]
    counts = Counter(squeezed(label) for row in pairs for label, _ in row)
    everything = [squeezed(line.text) for line in page.lines]
    for index, row in enumerate(pairs):
        for label, value in row:
            # "Total" is no label to ask for where there is also a "Subtotal".
            once = counts[squeezed(label)] == 1 and sum(squeezed(label) in other for other in everything) == 1
            ends = any(pairs[index + 1 : index + 2]) or _ends_here(rows, index)
            if once and ends and is_quotable(label):
                yield Ask("label", value, {"label": label})


def _pairs(row: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """Labels of a row with their values."""
    for index, line in enumerate(row):
        match = _LABELLED.match(line.text)
        if match is None or line.vertical:
            continue
        label, value, rest = match["label"].strip(), match["value"], row[index + 1 :]
        if value is None and len(rest) > 0 and (len(rest) == 1 or _LABELLED.match(rest[1].text)):
            value = rest[0].text
        # 12:30 is a time, and "Name: Bob Date: today" is two pairs in one piece.
        a_time = label[-1].isdigit() and bool(value) and value[:1].isdigit()
        if value and not a_time and not _SECOND_LABEL.search(value):
            yield label, value.strip()


def _ends_here(rows: Sequence[Sequence[Line]], index: int) -> bool:
    """Whether a row's text doesn't go on in the next one."""
    row = rows[index]
    block = [line.box for each in rows if each[0].block == row[0].block for line in each]
    if len(block) == len(row) or index + 1 == len(rows) or rows[index + 1][0].block != row[0].block:
        return True
    left, _, right, _ = around(block)
    return max(line.box[2] for line in row) < left + ENDS_EARLY * (right - left)


def _found_once(page: PageText, rows: Sequence[Sequence[Line]]) -> Iterator[Ask]:
    """The only e-mail address, web address, telephone number or date of a page without doubtful lines."""
    if not all(line.kept for line in page.lines):
        return
    for form, pattern in PATTERNS.items():
        found = [(index, match) for index, row in enumerate(rows) for match in pattern.finditer(row_text(row))]
        if len(found) != 1:
            continue
        index, match = found[0]
        # An address at the end of a full row may go on in the next.
        if match.end() < len(row_text(rows[index])) or _ends_here(rows, index):
            yield Ask(form, (match.groupdict().get("labelled") or match.groupdict().get("plain") or match[0]).strip())


def _below(page: PageText, rows: Sequence[Sequence[Line]]) -> Iterator[Ask]:
    """The line right below another in its block, both alone in their rows."""
    everything = [squeezed(line.text) for line in page.lines]
    for above, below in neighbours(rows):
        text = above[0].text
        once = sum(squeezed(text) in other for other in everything) == 1
        fits = FOLLOWED_CHARACTERS[0] <= len(squeezed(text)) <= FOLLOWED_CHARACTERS[1]
        if (
            len(above) == len(below) == 1
            and once
            and fits
            and is_quotable(text)
            and not above[0].vertical
            and _are_next(page, above[0], below[0])
        ):
            yield Ask("below", below[0].text, {"text": text})


def _are_next(page: PageText, above: Line, below: Line) -> bool:
    """Nothing in doubt stands between two lines."""
    between = (min(above.box[0], below.box[0]), above.box[3], max(above.box[2], below.box[2]), below.box[1])
    doubtful = (line.box for line in page.lines if not line.kept)
    return not any(
        box[1] < between[3] + 1 and box[3] > between[1] - 1 and box[0] < between[2] and box[2] > between[0] for box in doubtful
    )
