"""Tux Paint's stamps: things cut out of photographs, and some drawings, each with a sentence in fifty languages.

koala.png|svg + koala.txt ("A koala.", "de.utf8=Ein Koala.", ...) -> Labelled

Letters, digits and other symbols are left out: they are called by what they mean, not by what they show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from recipes.dual_nano.labelled import Labelled
from recipes.nano.data.materials import ensure

STYLE = "stamps"
_LINE = re.compile(r"([a-z]{2,3})(?:_([A-Z]{2}))?\.utf8=(.+)")
_ARTICLE = re.compile(r"^(an?|the) ", re.IGNORECASE)


def stamps() -> Iterator[Labelled]:
    """All stamps that show things. Raises MissingMaterial."""
    base = ensure("tuxpaint-stamps")["tuxpaint-stamps"] / "usr" / "share" / "tuxpaint" / "stamps"
    for notes in sorted(base.rglob("*.txt")):
        files = [file for suffix in (".png", ".svg") if (file := notes.with_suffix(suffix)).is_file()]
        named = names(notes.read_text("utf-8", errors="replace"))
        if files and named and "symbols" not in notes.parts:
            code = "__".join(notes.relative_to(base).with_suffix("").parts)
            yield Labelled(STYLE, code, named, files[0], cut_out=files[0].suffix == ".png")


def names(notes: str) -> dict[str, str]:
    """By language; a country's own wording counts where the language has no other, and simplified Chinese is zh."""
    first, *rest = notes.splitlines() or [""]
    found = {"en": _ARTICLE.sub("", first.strip())}
    for line in rest:
        if match := _LINE.fullmatch(line.strip()):
            language, country, said = match.groups()
            key = "zh-hant" if (language, country) == ("zh", "TW") else language
            if country in (None, "CN", "TW", "BR") and key not in found:
                found[key] = said.strip()
    return {language: said for language, said in found.items() if said}
