"""The clean-up of captions before they are embedded for retrieval.

caption -> lower case, signs to blanks, at most 50 words. Source: the caption processor of BLIP, which InternVL-C and -G use.
"""

from __future__ import annotations

import re

_SIGNS = re.compile(r"([.!\"()*#:;~])")
_WIDE_SPACE = re.compile(r"\s{2,}")
_MOST_WORDS = 50


def retrieval_pre_caption(text: str, max_words: int = _MOST_WORDS) -> str:
    """`text` as the retrieval text encoder saw it: lower case, without `. ! " ( ) * # : ; ~`, at most `max_words` words.

    Only runs of two or more white characters become one blank, so a single line end or tab inside stays.
    """
    cleaned = _WIDE_SPACE.sub(" ", _SIGNS.sub(" ", text.lower())).rstrip("\n").strip(" ")
    words = cleaned.split(" ")
    return " ".join(words[:max_words]) if len(words) > max_words else cleaned
