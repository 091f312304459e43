"""Emoji of nine sets with names and keywords in nineteen languages, and the flags of countries.

concepts of emojibase + icons of a set -> Labelled(key "noto-emoji/1F34E", names by language, keywords by language)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.data_engine.labelled import LARGEST_SVG_BYTES, Labelled
from benchmarks.data_engine.packages import ensure
from recipes.dual_nano import labelled as recipe
from recipes.dual_nano.concepts import TRAINED_SETS, UNSEEN_SET, Concept, concepts, slug
from recipes.dual_nano.concepts import emoji as set_of_emoji

EXTRA_STYLES = ("emojione", "emojione-v1", "noto-v1", "fxemoji")
# Languages that a reader, and a language identifier, can tell apart in a few words.
LANGUAGES = ("en", "zh", "de", "fr", "es", "ja", "ru", "it", "pt", "ko", "pl", "uk", "vi", "th", "hi", "hu", "fi", "sv", "nl")
_FIRST_REGIONAL_INDICATOR = 0x1F1E6


def emoji() -> Iterator[Labelled]:
    """Every concept in every set that draws it. Raises MissingMaterial."""
    for style in (*TRAINED_SETS, UNSEEN_SET):
        for each in set_of_emoji(style):
            if isinstance(each.source, Path) or len(each.source) <= LARGEST_SVG_BYTES:
                yield from_recipe(each)
    for style in EXTRA_STYLES:
        table = _icons(ensure(style))
        for concept in concepts():
            icon = table["icons"].get(_name_in(table, concept.names["en"]))
            if icon is not None and len(icon["body"]) <= LARGEST_SVG_BYTES:
                yield _labelled(style, concept, _svg(icon, table))


def flags() -> Iterator[Labelled]:
    """The flags of countries as rectangles, with the countries' names. Raises MissingMaterial."""
    table = _icons(ensure("flag"))
    for concept in concepts():
        icon = table["icons"].get(f"{_country(concept)}-4x3")
        if icon is not None and len(icon["body"]) <= LARGEST_SVG_BYTES:
            yield _labelled("flag", concept, _svg({"width": 640, "height": 480, **icon}, table))


def from_recipe(each: recipe.Labelled) -> Labelled:
    """A picture of recipes/dual_nano, with its names in the languages of the trial."""
    names = {language: each.names[language] for language in LANGUAGES if language in each.names}
    keywords = {language: each.keywords.get(language, ()) for language in names}
    return Labelled(f"{each.style}/{each.code}", each.style, each.source, names, keywords)


def _labelled(style: str, concept: Concept, picture: str) -> Labelled:
    return from_recipe(recipe.Labelled(style, concept.code, concept.names, picture, concept.keywords))


def _icons(package: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads((package / "package" / "icons.json").read_text("utf-8"))
    return table


def _name_in(table: Mapping[str, Any], label: str) -> str:
    """Some sets write names with hyphens, some without."""
    name = slug(label)
    return name if name in table["icons"] else name.replace("-", "")


def _svg(icon: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    width, height = (icon.get(side, table.get(side, 16)) for side in ("width", "height"))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{icon["body"]}</svg>'


def _country(concept: Concept) -> str:
    """`de` of the two letters that a flag's code points are."""
    points = [int(code, 16) - _FIRST_REGIONAL_INDICATOR for code in concept.code.split("-")]
    return "".join(chr(ord("a") + point) for point in points) if all(0 <= point < 26 for point in points) else ""
