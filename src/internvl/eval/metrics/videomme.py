"""Video-MME: the option letter in an answer.

answer text -> `A`, `B`, `C`, `D` or the empty text, which leaves the item out of the averages.
The rule is VLMEvalKit's, with its two glued phrases: two commas are missing in its list, so `Best option:` alone stays.
"""

from __future__ import annotations

import re

_PHRASES = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option isThe correct option is",
    "Best answer:Best option:",
    "Answer:",
    "Option:",
)
_LETTER = re.compile("[ABCD]")


def videomme_extract(text: str) -> str:
    """The first capital A, B, C or D of `text` once the opening phrases are removed; empty where there is none.

    `Best option: C` gives `B`, as in VLMEvalKit.
    """
    rest = text.strip()
    for phrase in _PHRASES:
        rest = rest.replace(phrase, "")
    found = _LETTER.search(rest)
    return found.group() if found else ""
