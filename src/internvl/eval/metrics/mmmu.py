"""MMMU's official parser: the letter of a multiple-choice answer, and whether an open answer holds a reference (Yue et al. 2024).

answer, letters, {letter: option text} -> letter or RANDOM;     answer, references -> right or wrong
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from internvl.eval.errors import EvalError
from internvl.eval.metrics.mmmu_numbers import numbers_in

RANDOM = "RANDOM"
"""Stands where the official scorer draws a random letter; the caller decides whether to draw."""

_ENDS = (",", ".", "!", "?", ";", ":", "'")
_LEADS = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
_MANY_WORDS = 5


def mmmu_parse_mc(text: str, choices: Sequence[str], index2ans: Mapping[str, str]) -> str:
    """The letter an answer gives: as `(X)`, else alone between blanks, else by the text of its option in answers of over five words.

    Of several the one that comes last. `RANDOM` when there is none; the official scorer then draws a letter.
    """
    answer = text
    for end in _ENDS:
        answer = answer.strip(end)
    answer = f" {answer} "
    for form in ("({})", " {} "):
        found = [letter for letter in choices if form.format(letter) in answer]
        if found:
            return max(found, key=lambda letter: answer.rfind(form.format(letter)))
    if len(answer.split()) <= _MANY_WORDS:
        return RANDOM
    lowered = answer.lower()
    options = {letter: option.lower() for letter, option in index2ans.items()}
    found = [letter for letter, option in options.items() if option in lowered]
    return max(found, key=lambda letter: lowered.rfind(options[letter])) if found else RANDOM


def mmmu_open(text: str, references: Sequence[str]) -> bool:
    """Whether the answer's conclusion contains a reference text or has a number equal to a reference, to two decimals.

    An empty answer is wrong. Raises EvalError without references.
    """
    if not references:
        raise EvalError("MMMU needs at least one reference answer")
    if not text.strip():
        return False
    golds = [form for reference in references for form in _normalised(reference)]
    texts, numbers = {gold for gold in golds if isinstance(gold, str)}, {gold for gold in golds if not isinstance(gold, str)}
    return any(
        any(gold in said for gold in texts) if isinstance(said, str) else said in numbers
        for conclusion in _conclusions(text)
        for part in (conclusion, *numbers_in(conclusion))
        for said in _normalised(part)
    )


def _conclusions(text: str) -> list[str]:
    """What follows the last "is", "answer", ... of each line, the shortest; the whole text when no line has such a word."""
    whole = text.strip().strip(".").lower()
    *lines, last = whole.split("\n")
    found = [_tail(line, _LEADS) for line in lines]
    # Only the last line may be an equation.
    found.append(_tail(last, (*_LEADS, "=")))
    return [tail for tail in found if tail and tail not in _ENDS] or [whole]


def _tail(line: str, leads: Sequence[str]) -> str:
    """The shortest text after the last of one of these words. An empty one gives way to any that comes later in the list."""
    shortest = ""
    for lead in leads:
        _, there, after = line.rpartition(lead)
        tail = after.strip()
        if there and (not shortest or len(tail) < len(shortest)):
            shortest = tail
    return shortest


def _normalised(text: str) -> list[str | float]:
    """A number to two decimals, or the text in lower case; a single character with a blank, so that it can't match inside words."""
    trimmed = text.strip()
    try:
        return [round(float(trimmed.replace(",", "")), 2)]
    except ValueError:
        lowered = trimmed.lower()
        return [f" {lowered}", f"{lowered} "] if len(lowered) == 1 else [lowered]
