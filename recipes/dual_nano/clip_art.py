"""Open Clip Art: public-domain drawings by many hands, with a title and keywords in English.

*.svg with <dc:title> and <rdf:li> keywords -> Labelled; a word that is also an emoji's name brings that name in all its languages

Folders of shapes, buttons, computer icons and playing cards are left out: hundreds of pictures there share a name. So are titles and
keywords that name an author, a file or a collection.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from recipes.dual_nano.labelled import Labelled
from recipes.nano.data.materials import ensure

STYLE = "clip-art"
FOLDERS = (
    "animals", "buildings", "containers", "decorations", "education", "electronics", "food", "geography", "office", "people", "plants",
    "recreation", "science", "tools", "transportation",
)  # fmt: skip
LARGEST_BYTES = 600_000
COMMON = 3  # a keyword that so many pictures share is a word of the language, not of one author
_TITLE = re.compile(r"<dc:title>(.*?)</dc:title>", re.DOTALL)
_KEYWORD = re.compile(r"<rdf:li>(.*?)</rdf:li>", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z' -]{2,40}")
_SAYS_NOTHING = {
    "hash",
    "unsorted",
    "clip art",
    "clipart",
    "icons",
    "icon",
    "theme",
    "menu",
    "image",
    "drawing",
    "card",
    "bordered",
    "etiquette",
}


def clip_art(emoji: Mapping[str, dict[str, str]]) -> Iterator[Labelled]:
    """All drawings with a word of their own. emoji: names in all languages by English name. Raises MissingMaterial."""
    base = ensure("openclipart")["openclipart"] / "usr" / "share" / "openclipart" / "svg"
    found = [(file, *_described(file)) for file in _files(base)]
    counts = Counter(word for _, _, keywords in found for word in keywords)
    titles = Counter(title for _, title, _ in found)
    for file, title, keywords in found:
        words = tuple(word for word in keywords if counts[word] >= COMMON)
        name = title if title and titles[title] < COMMON else " ".join(words[:3])
        if name:
            known = next((emoji[word] for word in (name, *words) if word in emoji), {})
            names = {**known, "en": name}
            yield Labelled(STYLE, "__".join(file.relative_to(base).with_suffix("").parts), names, file, {"en": words})


def _files(base: Path) -> Iterator[Path]:
    for file in sorted(base.rglob("*.svg")):
        inside = file.relative_to(base).parts
        if inside[0] in FOLDERS and "cards" not in inside and file.stat().st_size <= LARGEST_BYTES:
            yield file


def _described(file: Path) -> tuple[str, tuple[str, ...]]:
    """Title, or nothing where it says nothing, and keywords, in lower case."""
    text = file.read_text("utf-8", errors="replace")
    title = _TITLE.search(text)
    words = dict.fromkeys(_plain(word) for word in _KEYWORD.findall(text))
    return _plain(re.sub(r"[_\d]+", " ", title[1])) if title else "", tuple(word for word in words if word)


def _plain(raw: str) -> str:
    """Words alone, or nothing."""
    text = " ".join(html.unescape(raw).lower().split())
    return text if _PLAIN.fullmatch(text) and text not in _SAYS_NOTHING and "rollandin" not in text else ""
