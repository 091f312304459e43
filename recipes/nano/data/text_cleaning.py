"""What counts as a clean sentence: one line, printable, characters that ordinary fonts have, a sensible length.

English is plain ASCII (typographic quotes and dashes are made plain). Chinese is what GB 2312 has, or Big5 for traditional text, with
more hanzi than Latin letters.
"""

from __future__ import annotations

import re

from recipes.nano.data.sample import Language

PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " ", "\u00ad": "", "\u200b": ""}
)
SENTENCE_END: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"(?<=[a-z0-9)\"'][.!?])\s+(?=[A-Z0-9\"'(])"),
    "zh": re.compile(r"(?<=[。！？；])(?![”’」』）])"),
}
LENGTHS: dict[Language, tuple[int, int]] = {"en": (15, 160), "zh": (6, 70)}
HEADING_LENGTHS: dict[Language, tuple[int, int]] = {"en": (3, 48), "zh": (2, 20)}
# What text that is still markup, code or a broken template looks like.
ODD = re.compile(r"[<>{}\\|^~`\x00-\x1f]|\$\(|%[A-Z]{3}|__|\.\.\.\.|\?\?|[-=*#]{3}|@[a-z]|://")
BAD_START = tuple("+-*/=.,;:!?)]%&#，。；：！？、）】》")
HANZI = re.compile(r"[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z]")


def clean_sentences(text: str, language: Language, *, traditional: bool = False) -> list[str]:
    """The clean sentences of a piece of running text; what is not clean is left out."""
    flat = _flatten(text, language)
    parts = (clean_line(part, language, traditional=traditional) for part in SENTENCE_END[language].split(flat))
    return [part for part in parts if part and part[-1] in ".!?。！？；"]


def clean_line(text: str, language: Language, *, traditional: bool = False) -> str:
    """The text on one line, or "" where it is not clean or is too short or too long for a sentence."""
    flat = _flatten(text, language)
    return flat if _fits(flat, LENGTHS[language]) and is_clean(flat, language, traditional=traditional) else ""


def clean_heading(text: str, language: Language, *, traditional: bool = False) -> str:
    """The same for headings, which are shorter."""
    flat = _flatten(text, language).rstrip(" :：.")
    return flat if _fits(flat, HEADING_LENGTHS[language]) and is_clean(flat, language, traditional=traditional) else ""


def is_clean(text: str, language: Language, *, traditional: bool = False) -> bool:
    """Whether every character is one that a reader of the language meets in print, and brackets and quotes are closed."""
    if (
        ODD.search(text)
        or text[:1] in BAD_START
        or text.count('"') % 2
        or any(text.count(a) != text.count(b) for a, b in ("()", "（）"))
    ):
        return False
    if language == "en":
        return text.isascii() and 2 * len(LATIN.findall(text)) > len(text)
    hanzi = HANZI.findall(text)
    return len(hanzi) > len(LATIN.findall(text)) and _encodes(text, "big5" if traditional else "gb2312")


def is_word(text: str, *, traditional: bool = False) -> bool:
    """Whether a Chinese dictionary entry is two to five hanzi of GB 2312, or of Big5."""
    return 2 <= len(text) <= 5 and len(HANZI.findall(text)) == len(text) and _encodes(text, "big5" if traditional else "gb2312")


def _flatten(text: str, language: Language) -> str:
    if language == "en":
        text = text.translate(PLAIN)
    flat = re.sub(r"\s+", " ", text).strip()
    # Lines of Chinese are broken anywhere: a space between two hanzi is only a line's end.
    return re.sub(r"(?<=[\u3000-\u9fff\uff00-\uffef]) (?=[\u3000-\u9fff\uff00-\uffef])", "", flat) if language == "zh" else flat


def _fits(text: str, lengths: tuple[int, int]) -> bool:
    return lengths[0] <= len(text) <= lengths[1]


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
