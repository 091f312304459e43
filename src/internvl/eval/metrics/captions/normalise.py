"""METEOR's own normalisation of a sentence (its option -norm, English), which runs after the caption tokeniser.

sentence -> signs apart, quotes and dashes in one form, hyphenated words apart, dots off unless they belong to a word -> words [n].
"""

from __future__ import annotations

import re

_ALPHA = "A-Za-zŠŽšžŸÀ-ÖØ-öø-ž\u0400-\u04ff\u0500-\u0527\ua640-\ua66e\ua67e-\ua697\u1d00-\u1d7f"
_DOT = "\ue000"  # a dot of a run of dots, which the rules for single dots must not see
_STEPS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (rf"([^0-9{_ALPHA}\s.'`,\-\u2018\u2019{_DOT}]|\xa0)", r" \1 "),
        (r"(?<![0-9]),|,(?![0-9])", " , "),
        ("[`\u2018\u2019]", "'"),
        ("[\u201c\u201d]|''", ' " '),
        ("\u2013|--", "-"),
        (rf"([0-9{_ALPHA}.])-([0-9{_ALPHA}])", r"\1 \2"),
        (rf"([^{_ALPHA}])'([^{_ALPHA}])", r"\1 ' \2"),
        (rf"([^{_ALPHA}0-9])'([{_ALPHA}])", r"\1 ' \2"),
        (rf"([{_ALPHA}])'([^{_ALPHA}])", r"\1 ' \2"),
        (rf"([{_ALPHA}])'([{_ALPHA}])", r"\1 '\2"),
        (r"([0-9])'(s)", r"\1 '\2"),
    )
)
_DOTS = re.compile(r"\.{2,}")
_HAS_ALPHA = re.compile(f"[{_ALPHA}]")
_KEEPS_DOT_TEXT = (
    "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z Adj Adm Adv Asst Bart Bldg Brig Bros Capt Cmdr Col Comdr Con Corp "
    "Cpl DR Dr Drs Ens Gen Gov Hon Hr Hosp Insp Lt MM MR MRS MS Maj Messrs Mlle Mme Mr Mrs Ms Msgr Op Ord Pfc Ph Prof Pvt "
    "Rep Reps Res Rev Rt Sen Sens Sfc Sgt Sr St Supt Surg v vs i.e rev e.g Nos Nr"
)
_KEEPS_DOT = frozenset(_KEEPS_DOT_TEXT.split())
_KEEPS_DOT_BEFORE_NUMBER = frozenset(("No", "Art", "pp"))


def meteor_words(sentence: str) -> list[str]:
    """The words METEOR compares, in lower case."""
    text = _DOTS.sub(lambda run: f" {_DOT * len(run.group())} ", f" {sentence} ")
    for pattern, instead in _STEPS:
        text = pattern.sub(instead, text)
    words = text.split()
    kept = [_with_or_without_dot(word, after) for word, after in zip(words, [*words[1:], ""], strict=False)]
    return " ".join(kept).replace(_DOT, ".").lower().split()


def _with_or_without_dot(word: str, after: str) -> str:
    if len(word) < 2 or not word.endswith("."):
        return word
    bare = word[:-1]
    if "." in bare and _HAS_ALPHA.search(bare):
        return word.replace(".", "")
    belongs = bare in _KEEPS_DOT or "a" <= after[:1] <= "z" or (bare in _KEEPS_DOT_BEFORE_NUMBER and "0" <= after[:1] <= "9")
    return word if belongs else f"{bare} ."
