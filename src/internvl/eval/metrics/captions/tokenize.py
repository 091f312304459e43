"""Words of a caption as the caption scorers count them: the Penn Treebank tokens that Stanford's tokeniser makes in lower case.

caption -> tokens, the longest rule at each place wins -> without the 17 signs the scorers drop -> words joined by single blanks.
Written from the tokeniser's behaviour (version 3.4.1 with -lowerCase), for English captions. Its quirks are kept: clitics are
split (ca n't, man 's), round brackets stay as -lrb- and -rrb-, `!!` and `?!` stay, pounds become #, euros $ and cents a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

DROPPED = frozenset(("''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";"))
_APOSTROPHE = "['\u2019\u0092]"
_LETTER = (
    r"(?:[^\W\d_\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u209c\u2150-\u2189\u2460-\u24ff\u2776-\u2793]"
    r"|[\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0900-\u0903\u093a-\u093c\u093e-\u094f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])"
)
_NUMBER = r"(?:\d+(?:[.:,]\d+)*|(?:[.:,]\d+)+)"
_ABBREVIATIONS_TEXT = (
    "adj adm adv al ala apr ariz assn assoc asst atty attys aug ave bancorp bhd bldg blvd brig bros calif capt cf cmdr co "
    "col colo comdr conn corp cos cpl ct dak dec dept det dr drs elec ens esq est etc ext feb fla fri ft ga gen gov govs "
    "hon inc ind insp intl invt jan jr jul jun kan kans ky lieut lt ltd maj mar md messrs mfg mich minn mlle mme mo mon "
    "mont mr mrs ms msgr mt mtg natl neb nev nov oct okla penn pfc ph plc pres prof profs pte pty ptys pvt rd rep reps rev "
    "rt sen sens sep sept seq sfc sgt spc sq sr st ste supt supts sys tel tenn thu thurs tue tues univ va vs vt wed wis "
    "wisc wyo"
)
_ABBREVIATIONS = _ABBREVIATIONS_TEXT.split()
_CAPITAL_ABBREVIATIONS = ["Ark", "Az", "Del", "Ill", "La", "Mass", "Miss", "Ore", "Pa", "Tex", "Wash"]
_BEFORE_NUMBERS = ["art", "ca", "fig", "figs", "no", "nos", "op", "pp", "prop"]
_TWO_WORDS = {"cannot": 3, "gonna": 3, "gotta": 3, "lemme": 3, "gimme": 3, "wanna": 3}
_CHANGED = {
    "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
    "\u00a3": "#", "\u20ac": "$", "\u00a4": "$", "\u00a2": "cents", "\u2026": "...",
    "\u00bc": "1/4", "\u00bd": "1/2", "\u00be": "3/4", "\u2153": "1/3", "\u2154": "2/3",
    "\u2013": "--", "\u2014": "--", "\u2015": "--", "&amp;": "&", "&lt;": "<", "&gt;": ">", "---": "--", "----": "--",
    **dict.fromkeys("\"\u201c\u201d\u00ab\u00bb", "''"), **dict.fromkeys("\u2018\u2019\u201b\u2039\u203a\u0092", "'"),
}  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z]+(?=[ ,]|$)|[A-Za-z]{2,}(?=\.(?: |$))|[;:?!](?= |$)|[\[\]{})\x22|~%]|[,(](?!\d)|\.(?!\S| \.)")
_WITH_DOT = frozenset((*_ABBREVIATIONS, *_BEFORE_NUMBERS, *map(str.lower, _CAPITAL_ABBREVIATIONS)))
_SPACE = re.compile(r"[\s\u200b\ufeff]+")
# (token, what must follow it). What follows counts for a rule's length, as in the lexer the tokeniser is made with. Runs that can
# be longer than the token that is cut in the end have a limit: without it, texts such as "1,a,1,a," would take quadratic time.
_RULES: tuple[re.Pattern[str], ...] = tuple(
    re.compile(rf"({token})(?=({context}))")
    for token, context in (
        (rf"{_LETTER}(?:{_LETTER}|[\d_])*(?:[.!?]{_LETTER}(?:{_LETTER}|[\d_])*)*", ""),
        (rf"(?:[dDoOlL]{_APOSTROPHE})?(?:{_LETTER}|[\d_])+(?:-(?:[dDoOlL]{_APOSTROPHE})?(?:{_LETTER}|[\d_])+)*", ""),
        (r"[A-Za-z0-9][A-Za-z0-9.,]{0,99}(?:-(?:[A-Za-z](?:\.[A-Za-z])+\.|[A-Za-z0-9]+))+", ""),
        (r"[A-Z]+(?:[+&][A-Z]+)+", ""),
        (r"[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}", ""),
        (r"(?:[A-Za-z]\.)+", ""),
        (rf"(?:(?i:{'|'.join(_ABBREVIATIONS)})|{'|'.join(_CAPITAL_ABBREVIATIONS)})\.", ""),
        (r"(?i:ph|ed)\.[Dd]\.", ""),
        (rf"(?i:{'|'.join(_BEFORE_NUMBERS)})\.", r"\s?\d"),
        (rf"{_LETTER}+\.", "[,;:]"),
        (r"[A-Za-z]*[A-MO-Za-mo-z]", rf"[nN]{_APOSTROPHE}[tT]"),
        (rf"[nN]{_APOSTROPHE}[tT]", ""),
        (rf"{_APOSTROPHE}(?:[msdMSD]|[rR][eE]|[vV][eE]|[lL][lL])", r"(?![A-Za-z])"),
        (rf"{_LETTER}+", rf"{_APOSTROPHE}(?:[msdMSD]|[rR][eE]|[vV][eE]|[lL][lL])(?![A-Za-z])"),
        (rf"{_APOSTROPHE}[nN]{_APOSTROPHE}?", ""),
        (rf"{_APOSTROPHE}(?i:em|cause|til?|[2-9]0s)", r"(?![A-Za-z])"),
        (rf"{_APOSTROPHE}[tT]", r"(?:[iI][sS]|[wW][aA][sS])"),
        (rf"(?i:dunkin|somethin|ol|nothin){_APOSTROPHE}|(?i:c{_APOSTROPHE}mon)", ""),
        (rf"[yY]{_APOSTROPHE}", "[aA][lL][lL]"),
        (rf"{_LETTER}+(?<=[aeiouyAEIOUY]){_APOSTROPHE}[aeiouA-Z]{_LETTER}*", ""),
        (rf"[-+]?{_NUMBER}", ""),
        (r"(?:\d{1,4}[- \u00a0])?\d{1,4}/\d{1,4}|\d{1,2}[-/]\d{1,2}[-/]\d{2,4}", ""),
        (r"\(\d{2,3}\)[ \u00a0]?\d{3,4}[- \u00a0]?\d{3,5}", ""),
        (rf"[lLdDjJ]{_APOSTROPHE}|[A-Z]+\$", ""),
        (r"https?://[^\s\"<>|()]*[^\s\"<>|.!?(){},\-]", ""),
        (r"(?:[A-Za-z0-9\-]{1,63}\.){1,9}(?:com|net|org|edu)(?:/[^\s\"<>|()]+[^\s\"<>|.!?(){},\-])?", ""),
        (r"[A-Za-z0-9][A-Za-z0-9._+\-]{0,63}@[A-Za-z0-9._\-]{0,99}[A-Za-z0-9_]", ""),
        (rf"@[A-Za-z0-9_]+|\#{_LETTER}+", ""),
        (r"</?[A-Za-z][A-Za-z0-9_:.\-]* ?/?>", ""),
        (r"[<>]?[:;=][\-o*']?[()DPdpO\\{@|\[\]]", r"(?![A-Za-z])"),
        (r"\.{3,5}|\.(?: \.){2,4}", ""),
        (r"[\^x=~<>\-]_[\^x=~<>\-]|[!?]+|-+|_+|\*+|@+|\#+|''|``|<<|>>|&(?:amp|lt|gt);", ""),
    )
)  # fmt: skip


def ptb_tokenize(caption: str) -> str:
    """The words of `caption` in lower case, joined by single blanks, without the signs that the caption scorers drop."""
    return " ".join(token for token in ptb_tokens(caption) if token not in DROPPED)


def ptb_tokens(caption: str) -> list[str]:
    """All tokens of `caption` in lower case, with the signs: `["ca", "n't", "see", "-lrb-", "any", "-rrb-", "cats", ";"]`."""
    return [token.lower() for token in _tokens(_SPACE.sub(" ", caption).strip())]


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        plain = _PLAIN.match(text, at)
        sure = plain is not None and (plain.group().lower() not in _WITH_DOT or not text.startswith(".", plain.end()))
        end = plain.end() if plain is not None and sure else _longest(text, at)
        yield from _written(text[at:end])
        at = end


def _longest(text: str, at: int) -> int:
    """The end of the longest token that starts at `at`; a single character where no rule fits."""
    best, reach = at + 1, 1
    for rule in _RULES:
        found = rule.match(text, at)
        if found is not None and found.end(2) - at > reach:
            best, reach = found.end(1), found.end(2) - at
    return best


def _written(token: str) -> Iterator[str]:
    """A token as it is written out: normalised signs, words that are two, nothing for what the tokeniser deletes."""
    cut = _TWO_WORDS.get(token.lower())
    if cut is not None:
        yield from (token[:cut], token[cut:])
    elif token.startswith(("..", ". ")):
        yield "..."
    elif token in _CHANGED:
        yield _CHANGED[token]
    elif len(token) == 1 and (ord(token) > 0xFFFF or not token.isprintable() or "\ufe00" <= token <= "\ufe0f"):
        return
    else:
        yield _inside(token)


def _inside(token: str) -> str:
    text = token.replace("\u00ad", "").replace("\u2019", "'").replace(" ", "\u00a0" if "/" in token or token[0] == "(" else "")
    return "".join(_CHANGED[sign] if sign in "()[]{}" else sign for sign in text) if len(token) > 1 else text
