"""What signs say: words, made-up words, numbers, prices, times and Chinese, each held to its half of the world.

Made-up words matter most: a model that only ever meets real words learns to guess them from a few letters instead of reading.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from recipes.nano.lexicon import CHINESE_WORDS, ENGLISH_WORDS, HANZI, LATIN, is_held_out

ONSETS = (*"bcdfghjklmnprstvwzxy", "bl", "br", "ch", "cl", "cr", "dr", "fl", "fr", "gl", "gr", "pl", "pr", "qu")
ONSETS += ("sh", "sk", "sl", "sp", "st", "th", "tr", "tw", "wh")
VOWELS = (*"aeiouaeiou", "ai", "ea", "ee", "oo", "ou")
CODAS = ("", *"bdglmnprstx", "ck", "ll", "nd", "ng", "nt", "rk", "sh", "st")


def random_text(source: random.Random, *, held_out: bool) -> str:
    """A text for a sign, from the training part or from the held-out part of all texts, which has no single characters."""
    kind = source.choices(tuple(KINDS), tuple(weight for weight, _ in KINDS.values()))[0]
    make = KINDS[kind][1]
    while True:
        text = make(source)
        if is_held_out(text) == held_out:
            return text


def kind_of(text: str) -> str:
    """digits, chinese or english: which questions fit and which column of the results table the text belongs to."""
    if any(character in HANZI for character in text):
        return "chinese"
    return "number" if text.isdigit() else "english"


def _word(source: random.Random) -> str:
    return _cased(source, source.choice(ENGLISH_WORDS))


def _made_up(source: random.Random) -> str:
    syllables = source.choice((1, 1, 2, 2, 3))
    word = "".join(source.choice(ONSETS) + source.choice(VOWELS) + source.choice(CODAS) for _ in range(syllables))
    return _cased(source, word[:8])


def _letters(source: random.Random) -> str:
    return "".join(source.choice(LATIN) for _ in range(source.choice((1, 2, 3, 4, 5))))


def _number(source: random.Random) -> str:
    return str(source.randrange(10 ** source.choice((1, 1, 2, 2, 3, 3, 4, 5))))


def _formatted(source: random.Random) -> str:
    number, small = source.randrange(100), source.randrange(60)
    forms = (
        f"{source.randrange(24)}:{small:02d}",
        f"${number}",
        f"{number}%",
        f"{number}.{small % 10}",
        f"{source.choice(LATIN[:26])}{number}",
        f"{source.choice(LATIN[:26])}-{source.randrange(10)}",
        f"{number}-{small}",
    )
    return source.choice(forms)


def _two_words(source: random.Random) -> str:
    second = str(source.randrange(100)) if source.random() < 0.5 else source.choice(ENGLISH_WORDS)[:5]
    first = source.choice(ENGLISH_WORDS)[:5]
    case = source.choice((str.upper, str.title, str.lower))
    return f"{case(first)} {case(second)}"


def _chinese_word(source: random.Random) -> str:
    return source.choice(CHINESE_WORDS)


def _hanzi(source: random.Random) -> str:
    return "".join(source.choice(HANZI) for _ in range(source.choice((1, 1, 2, 2, 3, 4))))


def _cased(source: random.Random, word: str) -> str:
    return source.choice((str.upper, str.upper, str.title, str.lower))(word)


KINDS: dict[str, tuple[int, Callable[[random.Random], str]]] = {
    "word": (14, _word),
    "made-up": (20, _made_up),
    "letters": (7, _letters),
    "number": (14, _number),
    "formatted": (6, _formatted),
    "two words": (5, _two_words),
    "chinese word": (14, _chinese_word),
    "hanzi": (20, _hanzi),
}
