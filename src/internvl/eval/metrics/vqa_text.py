"""The normalisation of answers in the VQA scorers: `The 3 dogs, and one cat's tail.` -> `3 dogs and 1 cat 's tail`.

Two orders of the same steps exist: that of the original repository (EvalAI's TextVQA scorer) and that of VLMEvalKit.
"""

from __future__ import annotations

import re

from internvl.eval.metrics.contractions import CONTRACTIONS

_SIGN = re.compile(r'[;/\[\]"{}()=+\\_\-><@`,?!]')
_COMMA_IN_NUMBER = re.compile(r"\d,\d")
_FULL_STOP = re.compile(r"\.(?!\d)")
# The original passes a flag where the number of replacements belongs; the flag's value is 32.
_MAX_FULL_STOPS = 32
_ARTICLES = frozenset(("a", "an", "the"))
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: str(n) for n, word in enumerate(_DIGITS)} | {"none": "0"}


def vqa_answer_normalise(text: str) -> str:
    """An answer as VQA accuracy compares it: lower case, no signs, articles or full stops, number words as digits (EvalAI's order)."""
    lowered = text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()
    return _canonical_words(without_signs(_on_one_line(lowered)))


def vlmevalkit_normalise(text: str) -> str:
    """The same in VLMEvalKit's order: signs are dealt with first, so that a comma in a number takes all signs with it."""
    return _canonical_words(without_signs(_on_one_line(text)))


def without_signs(text: str) -> str:
    """The text without punctuation and, but for 32 at most, full stops.

    A sign that stands next to a blank anywhere goes without a trace; another leaves a blank. Where a number has a comma inside, all
    signs go without a trace.
    """
    signs = set(_SIGN.findall(text))
    if signs:
        traceless = _COMMA_IN_NUMBER.search(text) is not None
        text = text.translate({ord(sign): "" if traceless or f"{sign} " in text or f" {sign}" in text else " " for sign in signs})
    return _FULL_STOP.sub("", text, count=_MAX_FULL_STOPS)


def _on_one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


def _canonical_words(text: str) -> str:
    words = [_NUMBERS.get(word, word) for word in text.lower().split()]
    return " ".join([CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES])
