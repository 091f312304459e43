"""What is drawn and what it is called: emoji of every set, with names and keywords in all languages of emojibase.

    emojibase/LANGUAGE/data.json -> Concept (code points, names, keywords) -> icon sets -> Labelled, for each set

People with a skin tone and the pieces that flags are made of are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from recipes.dual_nano.labelled import Labelled
from recipes.nano.data.materials import ensure

TRAINED_SETS = ("twemoji", "noto-emoji", "fluent-emoji", "fluent-emoji-3d")
UNSEEN_SET = "openmoji"
COMPONENTS = 2  # emojibase's group of skin tones and hair


@dataclass(frozen=True)
class Concept:
    """An emoji: its code points, and by language its name and keywords."""

    code: str
    names: dict[str, str]
    keywords: dict[str, tuple[str, ...]]


@lru_cache(maxsize=1)
def concepts() -> tuple[Concept, ...]:
    """All of them, in emojibase's order. Raises MissingMaterial."""
    base = ensure("emojibase")["emojibase"] / "package"
    tables = {place.parent.name: json.loads(place.read_text("utf-8")) for place in sorted(base.glob("*/data.json"))}
    rows: dict[str, dict[str, Any]] = {}
    for language, table in tables.items():
        for row in table:
            if row.get("group") not in (None, COMPONENTS):
                rows.setdefault(row["hexcode"], {})[language] = row
    return tuple(
        Concept(
            code,
            {language: row["label"] for language, row in found.items()},
            {language: tuple(row.get("tags", ())) for language, row in found.items()},
        )
        for code, found in rows.items()
        if "en" in found
    )


def emoji(style: str) -> Iterator[Labelled]:
    """Each concept that a set draws. Raises MissingMaterial."""
    for concept, source in _drawings(style):
        yield Labelled(style, concept.code, concept.names, source, concept.keywords)


def _drawings(style: str) -> Iterator[tuple[Concept, str | Path]]:
    package = ensure(style)[style] / "package"
    if style == "fluent-emoji-3d":
        yield from _files(package / "assets")
        return
    table = json.loads((package / "icons.json").read_text("utf-8"))
    codes = json.loads((package / "chars.json").read_text("utf-8"))
    for concept in concepts():
        icon = _icon(concept, table, codes)
        if icon is not None:
            size = f"{icon.get('width', table['width'])} {icon.get('height', table['height'])}"
            head = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {size}">'
            yield concept, f"{head}{icon['body']}</svg>"


def _icon(concept: Concept, table: dict[str, Any], codes: dict[str, str]) -> dict[str, Any] | None:
    code = concept.code.lower()
    name = codes.get(code) or codes.get(code.replace("-fe0f", "")) or slug(concept.names["en"])
    icons, aliases = table["icons"], table.get("aliases", {})
    return icons.get(name) or icons.get(aliases.get(name, {}).get("parent", ""))


def _files(assets: Path) -> Iterator[tuple[Concept, Path]]:
    for concept in concepts():
        code = concept.code.lower()
        for name in (code, f"{code}-fe0f", code.replace("-fe0f", "")):
            if (assets / f"{name}.webp").is_file():
                yield concept, assets / f"{name}.webp"
                break


def slug(label: str) -> str:
    """A label as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower().replace("’", "").replace("ñ", "n")).strip("-")
