"""How answers are scored: every measure takes an answer and a question and gives numbers; "score" is the one that is averaged.

    (answer, Question) -> {"score": 0...1, ...}        reading gives {"edits", "characters", ...} too: a rate of errors, not a score

Texts are compared after `folded` (reading) or `plain` (short answers); nothing here knows which model answered.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable

from recipes.nano.measure.json_fields import json_score
from recipes.nano.measure.question import Question
from recipes.nano.measure.table_cells import table_score

from internvl.eval.metrics.anls import anls
from internvl.eval.metrics.edit_distance import edit_distance
from internvl.eval.metrics.relaxed import relaxed_accuracy_standard

Scores = dict[str, float]
_MARKS = re.compile(r"</?(?:ref|box|quad)>")
_BOX = re.compile(r"\[(\d{1,4}), ?(\d{1,4}), ?(\d{1,4}), ?(\d{1,4})\]")
# Short answers that say a value: a word such as "about", a currency, digits, a unit of few letters.
_VALUE = re.compile(
    r"(?:about|approximately|around|大约|约)? ?[$€£¥]? ?(-?[\d,]{1,20}(?:\.\d{1,10})?) ?(%|[^\W\d]{0,12})", re.IGNORECASE
)
NOT_THERE = (
    *(
        "does not show",
        "do not show",
        "doesn't show",
        "not in the picture",
        "not in the image",
        "not shown",
        "not visible",
        "not mentioned",
    ),
    *("does not say", "doesn't say", "no such thing", "none of the pictures", "don't see", "do not see", "cannot see", "can't see"),
    *(
        "there is no picture",
        "图中没有",
        "图里没有",
        "图片中没有",
        "视频中没有",
        "图表中没有",
        "没有显示",
        "没有给出",
        "未显示",
        "看不到",
        "没有图",
    ),
    *("没看到", "没有看到", "there is no text"),
)


def folded(text: str) -> str:
    """For reading: NFKC, and runs of white space become one blank, none at the ends. Nothing else is forgiven."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def plain(text: str) -> str:
    """For short answers: as `folded`, in lower case, without grounding marks and without a full stop at the end."""
    return folded(_MARKS.sub(" ", text)).casefold().rstrip(".。!")


def refuses(answer: str) -> bool:
    """Whether an answer says that the picture does not show what was asked for."""
    text = plain(answer[:400])
    return any(phrase in text for phrase in NOT_THERE)


def score(answer: str, question: Question) -> Scores:
    """All numbers of an answer, with "refused" for every question. An empty answer is never right."""
    found = MEASURES[question.measure](answer, question)
    return {**found, "refused": float(refuses(answer))}


def _reading(answer: str, question: Question) -> Scores:
    """Edits, and the same without any blanks: a line that is broken in another place is no misread letter, most of all in Chinese."""
    text = folded(_MARKS.sub("", answer))
    pairs = [(edit_distance(text, truth), truth) for truth in map(folded, question.answers)]
    edits, truth = min(pairs, key=lambda pair: pair[0] / max(1, len(pair[1])))
    bare = truth.replace(" ", "")
    return {
        "edits": edits,
        "characters": len(truth),
        "bare_edits": edit_distance(text.replace(" ", ""), bare),
        "bare_characters": len(bare),
        "score": float(edits == 0 and truth != ""),
    }


def _exact(answer: str, question: Question) -> Scores:
    text = plain(answer)
    return {"score": float(bool(text) and any(text == plain(truth) for truth in question.answers))}


def _contains(answer: str, question: Question) -> Scores:
    text = plain(answer)
    return {"score": float(any(plain(truth) in text for truth in question.answers if plain(truth)))}


def _anls(answer: str, question: Question) -> Scores:
    text = folded(_MARKS.sub("", answer))
    truths = [folded(_MARKS.sub("", truth)) for truth in question.answers]
    return {"score": anls(text, truths), "exact": _exact(answer, question)["score"]}


def _relaxed(answer: str, question: Question) -> Scores:
    """ChartQA's relaxed accuracy on values without currency and unit; "axis": within the tolerance of the axis that was read."""
    text, truths = bare_value(answer), [bare_value(truth) for truth in question.answers]
    found = relaxed_accuracy_standard(text, truths)
    value, tolerance = question.facts.get("value"), question.facts.get("tolerance", 0.0)
    read = _number(text)
    near = value is not None and read is not None and abs(read - value) <= tolerance * 1.0001
    return {"score": found, "axis": max(found, float(near)), "exact": _exact(answer, question)["score"]}


def bare_value(text: str) -> str:
    """ "about $1,200" -> "1200"; a percentage keeps its mark; anything that is not one value stays as `plain` gives it."""
    short = plain(text)
    found = _VALUE.fullmatch(short) if len(short) < 60 else None
    if found is None or not any(letter.isdigit() for letter in found[1]):
        return short
    return found[1].replace(",", "") + ("%" if found[2] == "%" else "")


def _number(text: str) -> float | None:
    try:
        return float(text.rstrip("%"))
    except ValueError:
        return None


def _formula(answer: str, question: Question) -> Scores:
    """LaTeX without blanks, dollar signs and \\left, \\right: equal or not; and the share of wrong characters."""
    text, truth = _latex(answer), _latex(question.answers[0])
    return {"score": float(bool(text) and text == truth), "similarity": 1 - min(1.0, edit_distance(text, truth) / max(1, len(truth)))}


def _latex(text: str) -> str:
    joined = "".join(text.replace("\\left", "").replace("\\right", "").replace("$", "").split())
    return joined.rstrip("。")


def _words(answer: str, question: Question) -> Scores:
    """F1 over words (over characters in Chinese): for captions, where order and articles differ without being wrong."""
    best = max(_f1(_tokens(answer), _tokens(truth)) for truth in question.answers)
    return {"score": best, "exact": _exact(answer, question)["score"]}


def _tokens(text: str) -> Counter[str]:
    kept = re.findall(r"[a-z0-9]+|[\u4e00-\u9fff]", plain(text))
    return Counter(word for word in kept if word not in ("a", "an", "the", "and"))


def _f1(one: Counter[str], other: Counter[str]) -> float:
    both = (one & other).total()
    return 2 * both / (one.total() + other.total()) if both else 0.0


def _boxes(answer: str, question: Question) -> Scores:
    """Right when as many boxes are given as there are, each on its own with an overlap of one half or more; also the mean overlap."""
    found, truths = boxes_in(answer), boxes_in(question.answers[0])
    overlaps, left = [], list(found)
    for truth in truths:
        best = max(left, key=lambda box: overlap(box, truth), default=None)
        overlaps.append(overlap(best, truth) if best is not None else 0.0)
        if best is not None:
            left.remove(best)
    right = bool(truths) and len(found) == len(truths) and min(overlaps) >= 0.5
    return {"score": float(right), "iou": sum(overlaps) / max(1, len(truths))}


Corners = tuple[int, int, int, int]


def boxes_in(text: str) -> list[Corners]:
    """Every [x1, y1, x2, y2] of a text, in thousandths."""
    return [(int(a), int(b), int(c), int(d)) for a, b, c, d in _BOX.findall(text)]


def overlap(one: Corners, other: Corners) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0, width) * max(0, height)
    areas = sum(max(0, box[2] - box[0]) * max(0, box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared) if areas > shared else 0.0


def _refusal(answer: str, question: Question) -> Scores:
    return {"score": float(refuses(answer) or _exact(answer, question)["score"])}


def _json(answer: str, question: Question) -> Scores:
    return json_score(answer, question.answers[0])


def _table(answer: str, question: Question) -> Scores:
    return table_score(answer, question.answers[0])


MEASURES: dict[str, Callable[[str, Question], Scores]] = {
    "reading": _reading,
    "exact": _exact,
    "contains": _contains,
    "anls": _anls,
    "relaxed": _relaxed,
    "formula": _formula,
    "words": _words,
    "boxes": _boxes,
    "refusal": _refusal,
    "json": _json,
    "table": _table,
}
