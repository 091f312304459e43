"""Facts of the caption: how long, how repetitive, how much of it letters, and the marks of texts that describe nothing.

    Item.text --> characters, words, letters, repetition; boilerplate, placeholder, code, unreadable, truncated, blocked; sketches

Needs no model. The sketches (caption_key, caption_minhash) find captions that occur again and again in a run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from typing import Any

from internvl.pipelines.clean.caption_marks import is_boilerplate, is_code, is_placeholder, is_truncated, is_unreadable
from internvl.pipelines.clean.minhash import caption_key, minhash, normalised
from internvl.pipelines.item import Item
from internvl.pipelines.operator import ColumnType, Outcome, Resources, Work

# Chinese and Japanese are written without spaces: a character of theirs counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|[^\W_]+(?:['’][^\W_]+)*")
_LONG_RUN = 5
"""Characters of one kind in a row, from here on a repetition."""
_LOOKED_AT = 4_000
"""Characters that the marks are looked for in, so that no text takes seconds."""


@dataclass(frozen=True)
class CaptionFacts:
    """Operator: statistics and marks of the caption. blocklist: words or phrases, one of which makes a caption `blocked`."""

    blocklist: tuple[str, ...] = ()
    name = "caption"
    resources = Resources()

    def columns(self) -> dict[str, ColumnType]:
        """letters, repetition: shares in 0..1. The marks are true or false. caption_key, caption_minhash: hexadecimal."""
        marks: dict[str, ColumnType] = dict.fromkeys(
            ("boilerplate", "placeholder", "code", "unreadable", "truncated", "blocked"), "bool"
        )
        numbers: dict[str, ColumnType] = {"characters": "int", "words": "int", "letters": "float", "repetition": "float"}
        return {**numbers, **marks, "caption_key": "str", "caption_minhash": "str"}

    def settings(self) -> dict[str, Any]:
        """The blocklist, and the version of the lists and sketches."""
        return {"blocklist": sorted(self.blocklist), "version": 1}

    def open(self) -> Work:
        """Nothing to load."""
        return partial(_work, blocked=_any_of(self.blocklist))


def words_of(text: str) -> list[str]:
    """The words, a Chinese or Japanese character being one."""
    return _WORD.findall(text)


def letter_share(text: str) -> float:
    """Letters and their marks among all characters but spaces, 0..1; 0 without any."""
    seen = [unicodedata.category(character)[0] in "LM" for character in text if not character.isspace()]
    return sum(seen) / len(seen) if seen else 0.0


def repetition(text: str) -> float:
    """How much of the text was said before, 0..1: pairs of words that occurred already, or one character over and over."""
    pairs = list(pairwise(word.casefold() for word in words_of(text)))
    again = 1 - len(set(pairs)) / len(pairs) if pairs else 0.0
    runs = [len(list(group)) for character, group in groupby(text) if not character.isspace()]
    long = sum(run for run in runs if run >= _LONG_RUN)
    return max(again, long / max(1, sum(runs)))


def _work(items: Sequence[Item], *, blocked: re.Pattern[str] | None) -> list[Outcome]:
    return [item.with_fields(**_facts(item.text, blocked)) for item in items]


def _facts(text: str, blocked: re.Pattern[str] | None) -> dict[str, Any]:
    head = text[:_LOOKED_AT]
    return {
        "characters": len(text.strip()),
        "words": len(words_of(text)),
        "letters": round(letter_share(text), 6),
        "repetition": round(repetition(text), 6),
        "boilerplate": is_boilerplate(head),
        "placeholder": is_placeholder(head),
        "code": is_code(head),
        "unreadable": is_unreadable(head),
        "truncated": is_truncated(text[-_LOOKED_AT:]),
        "blocked": blocked is not None and blocked.search(normalised(head)) is not None,
        "caption_key": caption_key(text),
        "caption_minhash": minhash(text).astype(">u2").tobytes().hex(),
    }


def _any_of(phrases: Sequence[str]) -> re.Pattern[str] | None:
    """Phrases as whole words; scripts without spaces have no borders to look for."""
    known = [normalised(each) for each in phrases if normalised(each)]
    if not known:
        return None
    return re.compile("|".join(rf"\b{re.escape(each)}\b" if each.isascii() else re.escape(each) for each in sorted(known)))
