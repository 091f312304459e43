"""Lines out of the characters of a PDF's text layer, and whether that layer can stand for what is seen.

    Character[n] --neighbours in one direction--> run[m] --spaces, ligatures--> Line[m]
    Character[n], pictures, notes -> None (trusted), or why the page must be read from its picture

Characters come in the order in which a program wrote them, which is that of the text within a line and nothing more.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from internvl.pipelines.ocr.line import Box, Line, area, around, is_wide, overlap
from internvl.pipelines.ocr.pdf import Character

# All in sizes of the font.
MAX_WORD_GAP = 1.6
MAX_STEP_BACK = 0.5
MAX_DRIFT = 0.3
MAX_DOWN_GAP = 0.5
GAP_OF_A_SPACE = 0.6
BAND = 8
MARGIN = 0.08
# An uppercase letter is about 0.6 of the distance from line to line.
LEAST_LINE_HEIGHT = 0.4

MAX_DAMAGED_SHARE = 0.03
MAX_PICTURE_SHARE = 0.3
SAME_PLACE = 0.7

LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ft", "ﬆ": "st"})
HYPHENS = str.maketrans({"\x02": "-", "\ufffe": "-", "\u00ad": "-"})
UNSEEN = str.maketrans(dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff"))
UNREADABLE = ("Cc", "Cn", "Co", "Cs")  # control, unassigned, private, half a surrogate pair
_KANGXI = ("\u2e80", "\u2fdf")


def layer_lines(characters: Sequence[Character]) -> list[Line]:
    """The lines of a text layer, each drawn once. A line with a character that its font doesn't explain has score 0."""
    lines = [_line(run) for run in _runs(characters)]
    found: list[Line] = []
    for line in filter(lambda each: each.text, lines):
        # Bold print is sometimes the same words twice, a hair apart.
        if not any(other.text == line.text and _same_place(other.box, line.box) for other in found[-50:]):
            found.append(line)
    return found


def why_not_trusted(characters: Sequence[Character], *, picture_share: float, notes: bool) -> str | None:
    """Why the text layer isn't what is seen on the page; None where nothing speaks against it."""
    inked = [each for each in characters if each.box is not None and not each.text.isspace()]
    if not inked:
        return "no text layer"
    if 2 * sum(each.hidden for each in inked) > len(inked):
        return "hidden text layer"
    if sum(each.unmapped for each in inked) > MAX_DAMAGED_SHARE * len(inked):
        return "fonts that don't tell their characters"
    if sum(map(is_damaged, inked)) > MAX_DAMAGED_SHARE * len(inked):
        return "garbled text layer"
    if picture_share > MAX_PICTURE_SHARE:
        return "large pictures"
    return "forms or notes" if notes else None


def is_damaged(character: Character) -> bool:
    """Whether it can't be told what is seen: no mapping, a private or unassigned code, a control character."""
    text = _cleaned(character.text)
    return character.unmapped or not text or "\ufffd" in text or unicodedata.category(text[0]) in UNREADABLE


def _runs(characters: Sequence[Character]) -> list[list[Character]]:
    runs: list[list[Character]] = []
    broken = True
    for each in characters:
        if each.text in ("\r", "\n"):
            broken = True
        elif each.box is None or each.text.isspace():
            if runs:
                runs[-1].append(each)
        elif each.hidden:
            broken = True
        elif runs and _continues(_inked(runs[-1]), each, broken=broken):
            runs[-1].append(each)
            broken = False
        else:
            runs.append([each])
            broken = False
    return runs


def _inked(run: Sequence[Character]) -> list[Character]:
    return [each for each in run if each.box is not None and not each.text.isspace()]


def _continues(run: Sequence[Character], new: Character, *, broken: bool) -> bool:
    """Whether a character follows a run: beside its last one, or below it in vertical writing."""
    last = run[-1]
    if last.box is None or new.box is None or last.quarter != new.quarter:
        return False
    if _follows_down(last, new) and (len(run) == 1 or _goes_down(run)):
        return True
    if broken or (len(run) > 1 and _goes_down(run)):
        return False
    # The letters of a ligature are told apart, each with the box of both.
    if _same_place(last.box, new.box):
        return True
    before, after = _level(last.box, last.quarter), _level(new.box, new.quarter)
    size = max(last.size, new.size)
    gap, middle = after[0] - before[2], (after[1] + after[3]) / 2
    # Quotes stand high and full stops low: the band of some characters tells the line, the last one doesn't.
    band = [_level(each.box, each.quarter) for each in run[-BAND:] if each.box is not None]
    top, bottom = min(box[1] for box in band), max(box[3] for box in band)
    beside = top - MAX_DRIFT * size <= middle <= bottom + MAX_DRIFT * size
    return -MAX_STEP_BACK * size <= gap <= MAX_WORD_GAP * size and beside


def _follows_down(last: Character, new: Character) -> bool:
    """Both Chinese, and the one right below the other."""
    if last.box is None or new.box is None or last.quarter or not (is_wide(last.text) and is_wide(new.text)):
        return False
    shared = min(last.box[2], new.box[2]) - max(last.box[0], new.box[0])
    narrow = min(last.box[2] - last.box[0], new.box[2] - new.box[0])
    gap = new.box[1] - last.box[3]
    return shared >= 0.5 * narrow and -0.2 * new.size <= gap <= MAX_DOWN_GAP * new.size


def _goes_down(run: Sequence[Character]) -> bool:
    return _follows_down(run[0], run[1])


def _level(box: Box, quarter: int) -> Box:
    """The box as it lies when its line is turned back to run from left to right."""
    left, top, right, bottom = box
    return (box, (top, -right, bottom, -left), (-right, -bottom, -left, -top), (-bottom, left, -top, right))[quarter]


def _line(run: Sequence[Character]) -> Line:
    inked = _inked(run)
    down = inked[0].quarter % 2 == 1 or (len(inked) > 1 and _goes_down(inked))
    box = around(each.box for each in inked if each.box is not None)
    return Line(
        text=_text(run),
        box=_with_margin(box if down else _heightened(box, inked)),
        score=0.0 if any(map(is_damaged, inked)) else 1.0,
        vertical=down,
    )


def _with_margin(box: Box) -> Box:
    """Room for the edges of the ink."""
    margin = 1 + MARGIN * min(box[2] - box[0], box[3] - box[1])
    return box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin


def _heightened(box: Box, inked: Sequence[Character]) -> Box:
    """A line of dashes or dots is as high as small letters would be, or it would be no row."""
    missing = LEAST_LINE_HEIGHT * max(each.size for each in inked) - (box[3] - box[1])
    return box if missing <= 0 else (box[0], box[1] - missing / 2, box[2], box[3] + missing / 2)


def _text(run: Sequence[Character]) -> str:
    """The characters with single spaces; none where PDFium sees one in the loose setting of Chinese."""
    text, last, space = "", None, False
    for each in run:
        if each.box is None or each.text.isspace():
            space = space or each.text.isspace()
            continue
        if last is not None and space and not _set_loosely(last, each):
            text += " "
        text += _cleaned(each.text)
        last, space = each, False
    return text.strip()


def _set_loosely(last: Character, new: Character) -> bool:
    if last.box is None or new.box is None or not (is_wide(last.text) and is_wide(new.text)):
        return False
    return new.box[0] - last.box[2] < GAP_OF_A_SPACE * max(last.size, new.size)


def _cleaned(text: str) -> str:
    """What is seen: letters for ligatures and for the radicals that stand for whole characters; hyphens as hyphens."""
    radicals = "".join(unicodedata.normalize("NFKC", each) if _KANGXI[0] <= each <= _KANGXI[1] else each for each in text)
    return radicals.translate(LIGATURES).translate(HYPHENS).translate(UNSEEN)


def _same_place(one: Box, other: Box) -> bool:
    return overlap(one, other) > SAME_PLACE * max(area(one), area(other))
