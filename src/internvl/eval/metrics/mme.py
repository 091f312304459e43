"""MME: yes-or-no questions in pairs over one picture, as the original repository and the benchmark's own scorer count them.

answer -> cleaned text -> yes, no or other;   {subtask: [(image, question, gold, cleaned answer), ...]} -> perception, cognition
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from internvl.eval.errors import EvalError

PERCEPTION = ("existence", "count", "position", "color", "posters", "celebrity", "scene", "landmark", "artwork", "OCR")
COGNITION = ("commonsense_reasoning", "numerical_calculation", "text_translation", "code_reasoning")
FULL_MARKS = 200.0
"""A perfect subtask: 100 for questions and 100 for pictures with both questions right."""

_HAN = re.compile("[\u4e00-\u9fa5]")


def mme_post_processing(text: str) -> str:
    """An answer as the original repository stores it: one line, lower case, Chinese yes and no and true and false translated."""
    line = text.replace("\n", "").replace("不是", "No").replace("是", "Yes").replace("否", "No")
    return _HAN.sub("", line.lower().replace("true", "yes").replace("false", "no"))


def mme_parse_pred(text: str) -> Literal["yes", "no", "other"]:
    """What a lower-case answer says: it begins with yes or no, in its first four characters, or it says neither."""
    start = text[:4]
    if "yes" in start:
        return "yes"
    return "no" if "no" in start else "other"


def mme_aggregate(
    subtasks: Mapping[str, Sequence[Sequence[str]]], *, absent: Literal["perfect", "refuse"] = "perfect"
) -> dict[str, float]:
    """`perception` (of 2,000), `cognition` (of 800) and each subtask given (of 200) by Fu et al. 2023.

    subtasks: name -> rows (image, question, gold Yes or No, answer); two rows that follow each other are the questions of one picture.
    absent: a subtask that is not given counts as perfect, or is refused; the original scorer fails without its file.
    Raises EvalError for an unknown or empty subtask, a row of another form, and a picture without its second question.
    """
    strange = [name for name in subtasks if name not in (*PERCEPTION, *COGNITION)]
    if strange:
        raise EvalError(f"MME has no subtask {strange[0]!r:.60}; it has {', '.join((*PERCEPTION, *COGNITION))}")
    missing = [name for name in (*PERCEPTION, *COGNITION) if name not in subtasks]
    if missing and absent == "refuse":
        raise EvalError(f"MME needs all {len(PERCEPTION) + len(COGNITION)} subtasks; {', '.join(missing)} are absent")
    scores = {name: mme_subtask_score(rows, name) for name, rows in subtasks.items()}
    return {
        "perception": sum(scores.get(name, FULL_MARKS) for name in PERCEPTION),
        "cognition": sum(scores.get(name, FULL_MARKS) for name in COGNITION),
        **scores,
    }


def mme_subtask_score(rows: Sequence[Sequence[str]], name: str = "a subtask") -> float:
    """100 times the share of right questions plus 100 times the share of pictures with both right, 0 to 200. Raises EvalError."""
    if not rows or len(rows) % 2:
        raise EvalError(f"{name}: two questions a picture are expected, not {len(rows)} rows")
    right = [_is_right(row, f"{name}, row {number}") for number, row in enumerate(rows, start=1)]
    pictures = [str(row[0]) for row in rows]
    for place in range(0, len(rows), 2):
        if pictures[place] != pictures[place + 1]:
            raise EvalError(f"{name}, row {place + 2}: the second question of {pictures[place]!r:.60} is expected here")
    both = [first and second for first, second in zip(right[::2], right[1::2], strict=True)]
    return 100 * sum(right) / len(right) + 100 * sum(both) / len(both)


def _is_right(row: Sequence[str], where: str) -> bool:
    match row:
        case [_, _, str(gold), str(answer)] if gold.lower() in ("yes", "no"):
            return mme_parse_pred(answer.lower()) == gold.lower()
    raise EvalError(f"{where}: [image, question, Yes or No, answer] is expected")
