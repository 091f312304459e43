"""Whether words are in the language that was asked for: by their script, and by identification where several languages share one.

"一只狗 in Paris" --units--> {Han: 3, Latin: 2} --wrong_language(Chinese)--> None

A unit is a word, or a character where words aren't parted by spaces: a technical term left in English weighs as much as one of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from internvl.data.record import Origin
from internvl.pipelines.clean.language import LanguageId
from internvl.pipelines.item import Item
from internvl.pipelines.translate.languages import Language, script_of

LEAST_SHARE = 0.5
LEAST_LETTERS = 24
"""Below so many, identification guesses."""
LEAST_HAN = 8
"""So many Chinese characters without kana are no Japanese sentence; fewer may be a name or a title."""
_UNPARTED = frozenset({"Han", "Kana", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"})
_TOGETHER = {"Kana": {"Kana", "Han"}, "Hangul": {"Hangul", "Han"}}
# An identifier such as max_size is one word.
_RUN = re.compile(r"[^\W\d]+")


def identifies(target: Language) -> Callable[[str], bool]:
    """A function that is True for words which are in another language for sure. Raises MissingDependencyError without py3langid.

    For languages that share their script with the source's, where letters tell nothing.
    """
    work = LanguageId(least_letters=LEAST_LETTERS).open()

    def is_another(words: str) -> bool:
        [outcome] = work([Item(origin=Origin("", "", 1), text=words, fields={"language": target.code})])
        return isinstance(outcome, Item) and outcome.fields["language_agrees"] is False

    return is_another


def wrong_language(words: str, target: Language) -> str | None:
    """Why the script of these words is not the language's: "wrong language: ..."; None when it is, or when it can't be told."""
    units = units_by_script(words)
    total = units.total()
    if target.script is None or not total:
        return None
    fitting = sum(units[script] for script in _TOGETHER.get(target.script, {target.script}))
    if fitting < LEAST_SHARE * total:
        most = units.most_common(1)[0][0]
        return f"wrong language: {fitting} of {total} words are written as {target.name} is, most are {most}"
    if target.script == "Han" and units["Kana"] > 0.1 * total:
        return f"wrong language: {units['Kana']} of {total} characters are kana, which {target.name} has none of"
    if target.script == "Kana" and not units["Kana"] and units["Han"] >= LEAST_HAN:
        return f"wrong language: {units['Han']} Chinese characters and no kana, for {target.name}"
    return None


def units_by_script(text: str) -> Counter[str]:
    """How many words, or characters of scripts without spaces, each script has."""
    units: Counter[str] = Counter()
    for run in _RUN.findall(text):
        before = None
        for character in run:
            script = script_of(character) or before
            if script is not None and (script != before or script in _UNPARTED):
                units[script] += 1
            before = script
    return units


def length_of(text: str) -> float:
    """How much a text says, in letters of an alphabet: a Chinese character stands for about three of them."""
    weights = {"Han": 3.0, "Kana": 1.5, "Hangul": 2.0}
    scripts = Counter(script_of(character) for character in text)
    return sum(weights.get(script, 1.0) * count for script, count in scripts.items() if script is not None)
