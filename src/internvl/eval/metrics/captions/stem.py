"""The stem of an English word: riding -> ride, skies -> sky. METEOR's second matcher compares stems.

word in lower case -> suffixes taken off in the steps of the algorithm -> stem. Source: Porter's English (Porter2) stemmer, Snowball.
"""

from __future__ import annotations

import re
from functools import lru_cache

_VOWELS = "aeiouy"
_DOUBLES = ("bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt")
_LONGEST = 100  # no English word is longer; longer ones are their own stem
_WHOLE = {
    "skis": "ski", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "idly": "idl", "gently": "gentl",
    "ugly": "ugli", "early": "earli", "only": "onli", "singly": "singl",
    **{word: word for word in ("sky", "news", "howe", "atlas", "cosmos", "bias", "andes")},
}  # fmt: skip
_AFTER_PLURAL = frozenset(["inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed"])
_STEP_2 = (
    ("ization", "ize"), ("ational", "ate"), ("fulness", "ful"), ("ousness", "ous"), ("iveness", "ive"), ("tional", "tion"),
    ("biliti", "ble"), ("lessli", "less"), ("entli", "ent"), ("ation", "ate"), ("alism", "al"), ("aliti", "al"), ("ousli", "ous"),
    ("iviti", "ive"), ("fulli", "ful"), ("enci", "ence"), ("anci", "ance"), ("abli", "able"), ("izer", "ize"), ("ator", "ate"),
    ("alli", "al"), ("bli", "ble"), ("ogi", "og"), ("li", ""),
)  # fmt: skip
_STEP_3 = (
    ("ational", "ate"), ("tional", "tion"), ("alize", "al"), ("icate", "ic"), ("iciti", "ic"), ("ative", ""), ("ical", "ic"),
    ("ness", ""), ("ful", ""),
)  # fmt: skip
_STEP_4 = (
    "ement",
    "ance",
    "ence",
    "able",
    "ible",
    "ment",
    "ant",
    "ent",
    "ism",
    "ate",
    "iti",
    "ous",
    "ive",
    "ize",
    "ion",
    "al",
    "er",
    "ic",
)
_REGION = re.compile(r"[aeiouy][^aeiouy]")


@lru_cache(maxsize=65536)
def english_stem(word: str) -> str:
    """The Porter2 stem of a word in lower case; words of one or two letters, and longer than 100, stay."""
    if len(word) <= 2 or len(word) > _LONGEST:
        return word
    if word in _WHOLE:
        return _WHOLE[word]
    text = _mark_consonant_y(word.removeprefix("'"))
    first, second = _regions(text)
    text = _plural(_possessive(text))
    if text not in _AFTER_PLURAL:
        text = _past(text, first)
        text = _final_y(text)
        text = _step_2(text, first)
        text = _step_3(text, first, second)
        text = _step_4(text, second)
        text = _step_5(text, first, second)
    return text.replace("Y", "y")


def _mark_consonant_y(text: str) -> str:
    letters = list(text)
    for place, letter in enumerate(letters):
        if letter == "y" and (place == 0 or letters[place - 1] in _VOWELS):
            letters[place] = "Y"
    return "".join(letters)


def _regions(text: str) -> tuple[int, int]:
    """Where R1 and R2 begin: behind the first consonant that follows a vowel, and the same again."""
    special = next((prefix for prefix in ("gener", "commun", "arsen") if text.startswith(prefix)), None)
    first = len(special) if special else _behind(text, 0)
    return first, _behind(text, first)


def _behind(text: str, start: int) -> int:
    found = _REGION.search(text, start)
    return found.end() if found else len(text)


def _possessive(text: str) -> str:
    for suffix in ("'s'", "'s", "'"):
        if text.endswith(suffix):
            return text[: -len(suffix)]
    return text


def _plural(text: str) -> str:
    if text.endswith("sses"):
        return text[:-2]
    if text.endswith(("ied", "ies")):
        return text[:-2] if len(text) > 4 else text[:-1]
    if text.endswith("s") and not text.endswith(("us", "ss")) and _has_vowel(text[:-2]):
        return text[:-1]
    return text


def _past(text: str, first: int) -> str:
    for suffix in ("eedly", "eed"):
        if text.endswith(suffix):
            return text[: -len(suffix)] + "ee" if len(text) - len(suffix) >= first else text
    for suffix in ("ingly", "edly", "ing", "ed"):
        if text.endswith(suffix):
            rest = text[: -len(suffix)]
            return _mended(rest, first) if _has_vowel(rest) else text
    return text


def _mended(text: str, first: int) -> str:
    if text.endswith(("at", "bl", "iz")):
        return text + "e"
    if text.endswith(_DOUBLES):
        return text[:-1]
    return text + "e" if first >= len(text) and _ends_short(text) else text


def _final_y(text: str) -> str:
    return text[:-1] + "i" if len(text) > 2 and text[-1] in "yY" and text[-2] not in _VOWELS else text


def _step_2(text: str, first: int) -> str:
    found = _ending(text, _STEP_2)
    if found is None or len(text) - len(found[0]) < first:
        return text
    suffix, instead = found
    rest = text[: -len(suffix)]
    if (suffix == "ogi" and not rest.endswith("l")) or (suffix == "li" and not rest.endswith(tuple("cdeghkmnrt"))):
        return text
    return rest + instead


def _step_3(text: str, first: int, second: int) -> str:
    found = _ending(text, _STEP_3)
    if found is None or len(text) - len(found[0]) < (second if found[0] == "ative" else first):
        return text
    return text[: -len(found[0])] + found[1]


def _step_4(text: str, second: int) -> str:
    suffix = next((one for one in _STEP_4 if text.endswith(one)), None)
    if suffix is None or len(text) - len(suffix) < second:
        return text
    rest = text[: -len(suffix)]
    return text if suffix == "ion" and not rest.endswith(("s", "t")) else rest


def _step_5(text: str, first: int, second: int) -> str:
    at = len(text) - 1
    if text.endswith("e") and (at >= second or (at >= first and not _ends_short(text[:-1]))):
        return text[:-1]
    return text[:-1] if text.endswith("ll") and at >= second else text


def _ending(text: str, table: tuple[tuple[str, str], ...]) -> tuple[str, str] | None:
    return next((pair for pair in table if text.endswith(pair[0])), None)


def _has_vowel(text: str) -> bool:
    return any(letter in _VOWELS for letter in text)


def _ends_short(text: str) -> bool:
    """A short syllable at the end: consonant, vowel, consonant other than w, x, Y; or vowel and consonant as the whole word."""
    if len(text) == 2:
        return text[0] in _VOWELS and text[1] not in _VOWELS
    return len(text) > 2 and text[-3] not in _VOWELS and text[-2] in _VOWELS and text[-1] not in _VOWELS and text[-1] not in "wxY"
