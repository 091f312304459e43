"""Names that data sets give to languages, and the scripts they are written in.

"zh-CN", "Chinese", "chi", "中文" -> "zh"        "zh" -> Han        text -> share of letters in each script
"""

from __future__ import annotations

import unicodedata
from collections import Counter

_NAMES: dict[str, str] = {
    "ar": "arabic ara العربية",
    "bg": "bulgarian bul български",
    "bn": "bengali ben বাংলা",
    "ca": "catalan cat català",
    "cs": "czech ces cze čeština",
    "da": "danish dan dansk",
    "de": "german deu ger deutsch",
    "el": "greek ell gre ελληνικά",
    "en": "english eng",
    "es": "spanish spa español castilian",
    "et": "estonian est eesti",
    "eu": "basque eus baq euskara",
    "fa": "persian fas per farsi فارسی",
    "fi": "finnish fin suomi",
    "fr": "french fra fre français",
    "ga": "irish gle gaeilge",
    "gl": "galician glg galego",
    "he": "hebrew heb iw עברית",
    "hi": "hindi hin हिन्दी",
    "hr": "croatian hrv hrvatski",
    "hu": "hungarian hun magyar",
    "hy": "armenian hye arm",
    "id": "indonesian ind",
    "is": "icelandic isl ice íslenska",
    "it": "italian ita italiano",
    "ja": "japanese jpn 日本語",
    "ka": "georgian kat geo ქართული",
    "ko": "korean kor 한국어",
    "lt": "lithuanian lit lietuvių",
    "lv": "latvian lav latviešu",
    "mk": "macedonian mkd mac македонски",
    "ms": "malay msa may",
    "nl": "dutch nld dut nederlands flemish",
    "no": "norwegian nor nb nob nn nno bokmål bokmal nynorsk norsk",
    "pl": "polish pol polski",
    "pt": "portuguese por português",
    "ro": "romanian ron rum română mo",
    "ru": "russian rus русский",
    "sk": "slovak slk slo slovenčina",
    "sl": "slovenian slovene slv slovenščina",
    "sq": "albanian sqi alb shqip",
    "sr": "serbian srp српски",
    "sv": "swedish swe svenska",
    "ta": "tamil tam தமிழ்",
    "te": "telugu tel తెలుగు",
    "th": "thai tha ไทย",
    "tr": "turkish tur türkçe",
    "uk": "ukrainian ukr українська",
    "ur": "urdu urd اردو",
    "vi": "vietnamese vie tiếng\u00a0việt",
    "zh": "chinese zho chi mandarin cmn yue wuu 中文 汉语 漢語 简体中文 繁體中文",
}
_BY_NAME = {name: code for code, names in _NAMES.items() for name in (code, *names.replace("\u00a0", "_").split())}
# What a declared language says of the script. Several scripts: any of them. Languages that are not listed are Latin or unknown.
_SCRIPTS: dict[str, tuple[str, ...]] = {
    "ar": ("ARABIC",), "fa": ("ARABIC",), "ur": ("ARABIC",), "bg": ("CYRILLIC",), "ru": ("CYRILLIC",), "uk": ("CYRILLIC",),
    "mk": ("CYRILLIC",), "sr": ("CYRILLIC", "LATIN"), "bn": ("BENGALI",), "el": ("GREEK",), "he": ("HEBREW",), "hi": ("DEVANAGARI",),
    "hy": ("ARMENIAN",), "ja": ("HIRAGANA", "KATAKANA", "CJK"), "ka": ("GEORGIAN",), "ko": ("HANGUL", "CJK"), "ta": ("TAMIL",),
    "te": ("TELUGU",), "th": ("THAI",), "zh": ("CJK",),
}  # fmt: skip
_UNSAID = frozenset({"", "und", "unknown", "multi", "multilingual", "mul", "mixed", "xx", "any", "none"})


def language_code(name: str) -> str | None:
    """The code of two letters (or what stands before the first hyphen, in lower case); None when no language is named."""
    plain = name.strip().casefold().replace(" ", "_")
    if plain in _UNSAID:
        return None
    if plain in _BY_NAME:
        return _BY_NAME[plain]
    head = plain.replace("_", "-").partition("-")[0]
    return _BY_NAME.get(head, head)


def language_name(code: str) -> str:
    """English name of a code, with a capital; the code itself if it is not in the table."""
    return _NAMES[code].partition(" ")[0].capitalize() if code in _NAMES else code


def scripts_of(language: str) -> tuple[str, ...]:
    """The scripts a language is written in, as Unicode names begin; none for a language that we know nothing of."""
    return _SCRIPTS.get(language, ("LATIN",) if language in _NAMES else ())


def script_shares(text: str) -> dict[str, float]:
    """Share of each script among the letters: {"LATIN": 0.9, "CJK": 0.1}; empty without letters."""
    counts = Counter(_script(character) for character in text if character.isalpha())
    total = sum(counts.values())
    return {script: count / total for script, count in counts.most_common()}


def _script(character: str) -> str:
    if character.isascii():
        return "LATIN"
    return unicodedata.name(character, "UNKNOWN").partition(" ")[0]
