"""The language of lines and pages: the script decides where it can, and words decide among the languages in Latin letters.

    text -> scripts of its letters -> "zh" "ja" "ko" "ru" ... | "latin" --all Latin lines of the page together--> "en" "fr" ...

A line is too short to tell English from Dutch; the page is not, so its Latin lines have one language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from internvl.pipelines.ocr.line import Line
from internvl.pipelines.translate.languages import script_of

LATIN = "latin"
"""Of Latin letters too few to tell their language; passes for English where English is wanted."""
NO_LETTERS = ""
# Of a script that several languages share, the one with most readers. Kana decides before Han: Japanese has both.
_LANGUAGES = {
    "Han": "zh",
    "Kana": "ja",
    "Hangul": "ko",
    "Latin": LATIN,
    "Fullwidth": LATIN,
    "Cyrillic": "ru",
    "Greek": "el",
    "Arabic": "ar",
    "Hebrew": "he",
    "Devanagari": "hi",
    "Thai": "th",
}
# A Chinese character says as much as about this many Latin letters.
LETTERS_PER_HAN = 2.5
KANA_SHARE = 0.1

Identify = Callable[[str], str]
"""A text in Latin letters -> the code of its language, such as "en"."""


def with_languages(lines: Sequence[Line], identify: Identify) -> tuple[list[Line], str]:
    """The lines with their languages, and the page's."""
    scripts = [script_language(line.text) for line in lines]
    latin_text = "\n".join(line.text for line, script in zip(lines, scripts, strict=True) if script == LATIN)
    latin = identify(latin_text) if latin_text else LATIN
    told = [replace(line, language=latin if script == LATIN else script) for line, script in zip(lines, scripts, strict=True)]
    weights: Counter[str] = Counter()
    for line in told:
        if line.language != NO_LETTERS:
            weights[line.language] += round(line.characters * (LETTERS_PER_HAN if line.language in ("zh", "ja") else 1))
    return told, weights.most_common(1)[0][0] if weights else NO_LETTERS


def script_language(text: str) -> str:
    """ "zh", "ja", ... by script, "latin" for Latin letters, "" for a text without letters; the most frequent script wins."""
    scripts = filter(None, map(script_of, text))
    counts = Counter(_LANGUAGES.get(script, "other") for script in scripts)
    if not counts:
        return NO_LETTERS
    if counts["ja"] > KANA_SHARE * (counts["ja"] + counts["zh"]):
        return "ja"
    weighted = {code: count * (LETTERS_PER_HAN if code == "zh" else 1) for code, count in counts.items()}
    return max(sorted(weighted), key=lambda code: weighted[code])
