"""Captions as the dual encoders of InternVL 1.0 read and write them: the words before them, and how they are cleaned."""

from __future__ import annotations

import re

TEXT_PREFIX = "summarize:"
"""Before every text that is compared with pictures; no space follows."""
CAPTION_PROMPT = "English caption:"
"""Before every caption that is written."""

_SIGNS = re.compile(r"([.!\"()*#:;~])")
_WIDE_SPACE = re.compile(r"\s{2,}")
_MOST_WORDS = 50


def cleaned_caption(text: str, max_words: int = _MOST_WORDS) -> str:
    """Lower case, without `. ! " ( ) * # : ; ~`, at most `max_words` words: the caption processor of BLIP, which the family uses.

    Only runs of two or more white characters become one blank, so a single line end or tab inside stays.
    """
    cleaned = _WIDE_SPACE.sub(" ", _SIGNS.sub(" ", text.lower())).rstrip("\n").strip(" ")
    words = cleaned.split(" ")
    return " ".join(words[:max_words]) if len(words) > max_words else cleaned
