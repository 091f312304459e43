"""MathVista: from a model's answer to the value that is compared with the gold answer.

answer -> extracted text (quick, or by a judge) -> normalised value of the question's type -> equal to the gold or not.
The first two functions follow the original scorer as InternVL used it, the third VLMEvalKit's check of 2024.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from internvl.eval.errors import EvalError
from internvl.eval.metrics.choices import mcq_can_infer_2024
from internvl.eval.metrics.edit_distance import edit_distance

_MARKED_ANSWER = re.compile(r"(?:Final answer:|Answer:)\s*(.*)", re.IGNORECASE)
_BRACKETED_LETTER = re.compile(r"\(([a-zA-Z])\)")
_LONGEST_NUMBER = 400
_LONGEST_COMPARED = 10_000


def mathvista_quick_extract(text: str) -> str:
    """What stands behind the first `Final answer:` or `Answer:` (any case) up to the line's end; the whole text without one."""
    found = _MARKED_ANSWER.search(text)
    return found.group(1).strip() if found else text


def mathvista_normalise(
    extraction: str,
    choices: Sequence[str] | None = None,
    question_type: str = "free_form",
    answer_type: str = "text",
    precision: float | None = None,
) -> str | None:
    """The extracted text in the form of the gold answer, which is compared with `==`; None where it can't be read as its type.

    `question_type` is `multi_choice` or `free_form`; `answer_type` `text`, `integer`, `float` (rounded to `precision` digits) or
    `list`. A choice question takes the letter in brackets, or the letter alone, or the choice with the smallest edit distance
    (the first of equals). An empty extraction of a choice question stays empty: the original scorer picked the shortest choice.
    """
    if question_type == "multi_choice":
        return _choice(extraction.strip(), choices)
    if answer_type == "integer":
        return _as_integer(extraction)
    if answer_type == "float":
        return _as_float(extraction, precision)
    return extraction


def mathvista_post_check(
    answer: str,
    gold: str | float,
    question_type: str = "free_form",
    answer_type: str = "text",
    choices: Sequence[str] | None = None,
    answer_option: str | None = None,
) -> bool:
    """VLMEvalKit's check of an answer, which is the raw reply or what its judge extracted.

    A choice question is right where one letter can be told from the answer and it is `answer_option` (by default the letter of
    `gold` among `choices`). Integers and floats are compared as numbers without rounding; `12.0` is no integer. Text and lists
    are never right: the original compares them with the text "None", and its published scores carry that.
    """
    if not isinstance(gold, str):
        gold = str(int(gold)) if isinstance(gold, float) and gold.is_integer() else str(gold)
    if question_type == "multi_choice":
        options = lettered(choices)
        return bool(answer.strip()) and mcq_can_infer_2024(answer, options) == (answer_option or _letter_of(gold, options))
    if answer_type == "integer":
        said, right = read_integer(answer), read_integer(gold)
        return said is not None and said == right
    if answer_type == "float":
        value, target = read_float(answer), read_float(gold)
        return value is not None and value == target
    return False


def _choice(text: str, choices: Sequence[str] | None) -> str:
    options = lettered(choices)
    if not text:
        return ""
    bracketed = _BRACKETED_LETTER.search(text)
    letter = bracketed.group(1).upper() if bracketed else text
    if letter in options:
        return options[letter]
    return min(options.values(), key=lambda choice: edit_distance(letter[:_LONGEST_COMPARED], choice))


def lettered(choices: Sequence[str] | None) -> dict[str, str]:
    """Letter -> choice, from A. Raises EvalError without choices."""
    values = list(choices.values()) if isinstance(choices, Mapping) else list(choices or ())
    if not values or isinstance(choices, str) or not all(isinstance(value, str) for value in values):
        raise EvalError(f"a multi_choice question of MathVista needs its choices as a list of texts, got {choices!r}")
    return {chr(ord("A") + place): value for place, value in enumerate(values)}


def _letter_of(gold: str, options: Mapping[str, str]) -> str:
    letters = [letter for letter, value in options.items() if value == gold]
    if not letters and gold in options:
        return gold
    if not letters:
        raise EvalError(f"the gold answer {gold!r} is none of the choices {list(options.values())!r}")
    return letters[0]


def _as_integer(text: str) -> str | None:
    value = read_float(text)
    return None if value is None or not math.isfinite(value) else str(int(value))


def _as_float(text: str, precision: float | None) -> str | None:
    value = read_float(text)
    if value is None or precision is None or not math.isfinite(precision):
        return None
    return str(round(value, int(precision)))


def read_float(text: str) -> float | None:
    """The number that a text is; None for other and for very long texts."""
    try:
        return float(text) if len(text) <= _LONGEST_NUMBER else None
    except ValueError:
        return None


def read_integer(text: str) -> int | None:
    """The whole number that a text is; None for other and for very long texts."""
    try:
        return int(text) if len(text) <= _LONGEST_NUMBER else None
    except ValueError:
        return None
