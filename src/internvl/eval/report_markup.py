"""HTML from Python values in which plain text is always escaped: answers of a model may hold tags and scripts.

    element("td", "a < b", class_="score") -> Markup('<td class="score">a &lt; b</td>')

Only what `element` made is `Markup` and goes in as it is; every other string is text. Control characters become a visible mark.
"""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Iterable
from typing import Any, TypeAlias

VOID = frozenset({"meta", "br", "img", "input"})
MOST_CHARACTERS = 3_000
_MARK = "\ufffd"
_KEPT = frozenset("\n\t")
# Cc: controls, Cs: lone surrogates, which no file can hold. Cf stays: joiners belong to scripts and emoji; direction is isolated.
_UNSHOWN = frozenset({"Cc", "Cs"})


class Markup(str):
    """HTML that is safe to put into a page."""

    __slots__ = ()


Content: TypeAlias = str | Markup | None


def element(tag: str, *content: Content, **attributes: str | bool | int | None) -> Markup:
    """An element. `class_` and `for_` lose their underscore, other underscores become hyphens; False and None leave one out."""
    head = tag + "".join(_attribute(name, value) for name, value in attributes.items())
    return Markup(f"<{head}>" if tag in VOID else f"<{head}>{join(content)}</{tag}>")


def join(parts: Iterable[Content]) -> Markup:
    """Parts one after the other; plain text is escaped."""
    return Markup("".join(part if isinstance(part, Markup) else html.escape(visible(part)) for part in parts if part is not None))


def text_of(value: Any, *, most: int = MOST_CHARACTERS) -> str:
    """Any JSON value as text, cut at `most` characters with a word about the rest."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def visible(text: str) -> str:
    """The text with control characters and lone surrogates as a visible mark."""
    return "".join(_MARK if unicodedata.category(each) in _UNSHOWN and each not in _KEPT else each for each in text)


def _attribute(name: str, value: str | bool | int | None) -> str:
    if value is None or value is False:
        return ""
    key = name.rstrip("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{html.escape(visible(str(value)))}"'
