"""Which option a free answer means, for benchmarks with lettered options.

answer, {letter: option text} -> letter;  "Z" for a refusal, False where a judge would have to decide

The original repository has one rule; VLMEvalKit's changed between 2024, when the published numbers were made, and now.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

REFUSED = "Z"
MATCHERS = Literal["2024", "head"]

_API_FAILURE = "Failed to obtain answer via API"
_REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
_MARKS = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))
_LAST_WORDS = 4
_VERBOSE = re.compile(r"answer\s+is\s+\**([A-D])", re.IGNORECASE)


def internvl_mcq_post_process(text: str, options: Mapping[str, str]) -> str:
    """The letter an answer begins with, else the first option whose text occurs in it, else the trimmed answer itself.

    Case counts. The rule of the original repository for MMBench, CCBench and MMMU, where an empty answer crashes; here it stays empty.
    """
    answer = text.strip()
    if len(answer) <= 1:
        return answer
    if answer[0] in options:
        return answer[0]
    return next((letter for letter, option in options.items() if option in answer), answer)


def mcq_can_infer_2024(text: str, choices: Mapping[str, str]) -> str | Literal[False]:
    """VLMEvalKit's match of August 2024: the only option letter that stands alone, else the only option text that occurs.

    `Z` for a refusal, False when neither decides. A stray article "A" counts as a letter, as it did there.
    """
    if _is_nothing(text):
        return False
    if _is_refusal(text):
        return REFUSED
    words, letters = _letters(text, choices)
    if len(letters) == 1:
        return letters[0]
    if not letters and REFUSED in words:
        return REFUSED
    return _only_text(text, choices)


def mcq_can_infer_head(text: str, choices: Mapping[str, str]) -> str | Literal[False]:
    """VLMEvalKit's match of August 2026: the letter must be among the last four words, or follow "answer is".

    An option text counts only in answers of at most twice the length of all options. Otherwise as `mcq_can_infer_2024`.
    """
    if _is_nothing(text):
        return False
    if _is_refusal(text):
        return REFUSED
    words, letters = _letters(text, choices)
    if len(letters) == 1 and words.index(letters[0]) >= len(words) - _LAST_WORDS:
        return letters[0]
    if not letters and REFUSED in words:
        return REFUSED
    phrase = _VERBOSE.search(text)
    if phrase and phrase[1].upper() in choices:
        return phrase[1].upper()
    return False if len(text.lower()) > 2 * sum(map(len, choices.values())) else _only_text(text, choices)


def can_infer(text: str, choices: Mapping[str, str], matcher: MATCHERS = "2024") -> str | Literal[False]:
    """The match of one of the two states of VLMEvalKit."""
    return mcq_can_infer_head(text, choices) if matcher == "head" else mcq_can_infer_2024(text, choices)


def _is_nothing(text: str) -> bool:
    return not text.strip() or _API_FAILURE in text


def _is_refusal(text: str) -> bool:
    return any(refusal in text for refusal in _REFUSALS)


def _letters(text: str, choices: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The words of an answer without punctuation, and the option letters among them."""
    words = text.translate(_MARKS).split()
    there = set(words)
    return words, [letter for letter in choices if letter in there]


def _only_text(text: str, choices: Mapping[str, str]) -> str | Literal[False]:
    lowered = text.lower()
    found = [letter for letter, choice in choices.items() if choice.lower() in lowered]
    return found[0] if len(found) == 1 else False
