"""Languages by code: the name that a prompt calls them, and the script they are written in.

"zh" -> Language("zh", "Chinese", "Han")        "gsw=Swiss German" -> Language("gsw", "Swiss German", None)
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass

from internvl.pipelines.errors import PipelineError

# ISO 639-1 where there is one, else 639-3; a subtag where one language has two scripts.
_BY_SCRIPT = {
    "Latin": (
        "af Afrikaans, az Azerbaijani, bs Bosnian, ca Catalan, ceb Cebuano, cs Czech, cy Welsh, da Danish, de German, en English, "
        "eo Esperanto, es Spanish, et Estonian, eu Basque, fi Finnish, fil Filipino, fr French, ga Irish, gl Galician, ha Hausa, "
        "hr Croatian, ht Haitian Creole, hu Hungarian, id Indonesian, ig Igbo, is Icelandic, it Italian, jv Javanese, ku Kurdish, "
        "la Latin, lb Luxembourgish, lt Lithuanian, lv Latvian, mg Malagasy, ms Malay, mt Maltese, nb Norwegian Bokmål, nl Dutch, "
        "nn Norwegian Nynorsk, no Norwegian, oc Occitan, pl Polish, pt Portuguese, pt-BR Brazilian Portuguese, ro Romanian, "
        "rw Kinyarwanda, sk Slovak, sl Slovenian, so Somali, sq Albanian, sr-Latn Serbian in Latin script, su Sundanese, sv Swedish, "
        "sw Swahili, tl Tagalog, tr Turkish, uz Uzbek, vi Vietnamese, xh Xhosa, yo Yoruba, zu Zulu"
    ),
    "Cyrillic": (
        "be Belarusian, bg Bulgarian, kk Kazakh, ky Kyrgyz, mk Macedonian, mn Mongolian, ru Russian, sr Serbian, tg Tajik, tt Tatar, "
        "uk Ukrainian"
    ),
    "Arabic": "ar Arabic, fa Persian, ps Pashto, sd Sindhi, ug Uyghur, ur Urdu",
    "Devanagari": "hi Hindi, mr Marathi, ne Nepali, sa Sanskrit",
    "Han": "zh Chinese, zh-Hans Simplified Chinese, zh-Hant Traditional Chinese, yue Cantonese",
    "Kana": "ja Japanese",
    "Hangul": "ko Korean",
    "Armenian": "hy Armenian",
    "Bengali": "as Assamese, bn Bengali",
    "Ethiopic": "am Amharic",
    "Georgian": "ka Georgian",
    "Greek": "el Greek",
    "Gujarati": "gu Gujarati",
    "Gurmukhi": "pa Punjabi",
    "Hebrew": "he Hebrew, yi Yiddish",
    "Kannada": "kn Kannada",
    "Khmer": "km Khmer",
    "Lao": "lo Lao",
    "Malayalam": "ml Malayalam",
    "Myanmar": "my Burmese",
    "Oriya": "or Odia",
    "Sinhala": "si Sinhala",
    "Tamil": "ta Tamil",
    "Telugu": "te Telugu",
    "Thai": "th Thai",
    "Tibetan": "bo Tibetan",
}
# Unicode begins the names of letters with their script, in these words where it isn't the table's.
_UNICODE_NAMES = {"CJK": "Han", "IDEOGRAPHIC": "Han", "HIRAGANA": "Kana", "KATAKANA": "Kana", "KATAKANA-HIRAGANA": "Kana"}
_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.IGNORECASE)


@dataclass(frozen=True)
class Language:
    """A language. script: that of its letters; None where it isn't known, and then nothing is concluded from letters."""

    code: str
    name: str
    script: str | None


def _table() -> dict[str, Language]:
    entries = ((entry.partition(" "), script) for script, names in _BY_SCRIPT.items() for entry in names.split(", "))
    return {code.lower(): Language(code, name, script) for (code, _, name), script in entries}


LANGUAGES = _table()


def language_of(text: str) -> Language:
    """The language of a code such as `zh` or `pt-BR`, of its English name, or one that isn't listed, given as `code=Name`.

    Raises PipelineError for anything else, naming what comes close.
    """
    code, equals, name = (part.strip() for part in text.partition("="))
    if equals:
        if not _CODE.fullmatch(code) or not name:
            raise PipelineError(f"a language that isn't listed is given as code=Name, such as gsw=Swiss German, not {text!r}")
        known = LANGUAGES.get(code.lower())
        return Language(code, name, known.script if known else None)
    found = LANGUAGES.get(code.lower()) or next((each for each in LANGUAGES.values() if each.name.lower() == code.lower()), None)
    if found is not None:
        return found
    words = [each for language in LANGUAGES.values() for each in (language.code, language.name)]
    close = difflib.get_close_matches(code, words, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(close)}?" if close else ", such as zh, ja or pt-BR"
    raise PipelineError(f"no language has the code or name {text!r}{hint} (one that isn't listed: code=Name)")


def script_of(character: str) -> str | None:
    """The script of a letter, as the table names it; None for what is no letter."""
    if not character.isalpha():
        return None
    word = unicodedata.name(character, "").partition(" ")[0]
    return _UNICODE_NAMES.get(word, word.capitalize() or None)
