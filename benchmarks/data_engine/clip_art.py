"""Clip art with the titles and keywords that its makers wrote, cleaned of what is not about the picture.

    openclipart/.../bananas.svg -> its metadata -> Labelled(names {"en": "bananas"}, keywords {"en": ("food", "fruit")})

A title that many files share names a collection; then the file's name says what is to be seen.
"""

from __future__ import annotations

import html
import re
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.data_engine.labelled import LARGEST_SVG_BYTES, Labelled
from recipes.nano.data import materials
from recipes.nano.data.materials import ensure

RENDERED = "openclipart-png"  # apt-get download openclipart-png, unpacked with dpkg-deb -x; without it all is rendered
_LONGEST_PX = (250, 1600)  # others are rendered
_TITLE = re.compile(r"<dc:title[^>]*>([^<]*)</dc:title>")
_KEYWORD = re.compile(r"<rdf:li>([^<]*)</rdf:li>")
_METADATA_BYTES = 12_000
_COLLECTION = 6  # so many files under one title
_NOT_ABOUT_IT = re.compile(r"^(hash|unsorted|openclipart|theme|appicon|icons?|special|.*0x[0-9a-f]+.*|.*[@/].*|\W*)$", re.IGNORECASE)
_MAKER = re.compile(r"^clip ?art by [^-]* - |\s*\(?by .*$|_?architetto.*$", re.IGNORECASE)
# Endings of file names: the maker's name cut to a few letters, and a number.
_NUMBERED = re.compile(r"[_ -]*\d+$")


def clip_art() -> Iterator[Labelled]:
    """Every drawing with a title or at least two keywords. Raises MissingMaterial."""
    base = ensure("openclipart")["openclipart"] / "usr" / "share" / "openclipart" / "svg"
    files = [file for file in sorted(base.rglob("*.svg")) if file.stat().st_size <= LARGEST_SVG_BYTES]
    found = [(file, *_metadata(file)) for file in files]
    shared = Counter(title.lower() for _, title, _ in found)
    for file, title, keywords in found:
        name = title if title and shared[title.lower()] < _COLLECTION else _from_file_name(file)
        if len(name) > 2 or len(keywords) > 1:
            inside = file.relative_to(base).with_suffix("")
            yield Labelled(
                f"openclipart/{inside}", "openclipart", _rendered(file, inside), {"en": name or keywords[0]}, {"en": keywords}
            )


def _rendered(file: Path, inside: Path) -> Path:
    """The drawing as the package of PNG files has it, where that is large enough: it need not be rendered again."""
    picture = materials.folder() / RENDERED / "usr" / "share" / "openclipart" / "png" / inside.with_suffix(".png")
    if not picture.is_file():
        return file
    with picture.open("rb") as stream:
        longest = max(struct.unpack(">II", stream.read(24)[16:]))  # some have 600 megapixels, which Pillow would not even open
    return picture if _LONGEST_PX[0] <= longest <= _LONGEST_PX[1] else file


def _metadata(file: Path) -> tuple[str, tuple[str, ...]]:
    head = _part_with_metadata(file.read_text("utf-8", errors="replace"))
    found = _TITLE.search(head)
    title = _MAKER.sub("", html.unescape(found[1])) if found else ""
    words = (html.unescape(word).strip().replace("_", " ") for word in _KEYWORD.findall(head))
    return _plain(title), tuple(dict.fromkeys(word for word in words if not _NOT_ABOUT_IT.match(word)))


def _part_with_metadata(text: str) -> str:
    start = text.find("<rdf:RDF")
    return text[start : start + _METADATA_BYTES] if start >= 0 else ""


def _from_file_name(file: Path) -> str:
    return _plain(_NUMBERED.sub("", file.stem))


def _plain(text: str) -> str:
    words = " ".join(_NUMBERED.sub("", text.replace("_", " ").replace("-", " ").strip()).split())
    return "" if _NOT_ABOUT_IT.match(words) else words
