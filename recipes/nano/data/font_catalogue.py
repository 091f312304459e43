"""Which font files there are and what they can draw, looked at once and kept in a compiled file.

    installed folders + unpacked materials -> every face that draws its letters truly -> list[Entry]

A face gets in when it has the letters, digits and marks of English and draws them as they are: fonts whose small letters look like
capitals, or that draw boxes, would make answers untrue.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from recipes.nano.data import materials
from recipes.nano.data.letter_check import draws_letters
from recipes.nano.data.sample import MissingMaterial

VERSION = 5
INSTALLED = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts", Path("/Library/Fonts"))
ENDINGS = (".ttf", ".otf", ".ttc", ".woff")
# Some handwriting lacks these; nobody writes them by hand.
RARE_MARKS = "^`{|}~<>\\"
NEEDED = "".join(character for character in map(chr, range(33, 127)) if character not in RARE_MARKS) + "£"
CHINESE_MARKS = "¥，。！？；：、（）《》“”"
# The level-1 characters of GB 2312: what everyday text is made of. Brush fonts lack some of the rarer ones.
EVERYDAY_HANZI = "".join(bytes([row, cell]).decode("gb2312") for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xFF))[:3755]
# Symbols and ornaments; capitals in small; other regions' cuts of the same Chinese design; bitmaps in disguise.
LEFT_OUT = re.compile(
    r"symbol|dingbat|emoji|icon|math|keyboard|initial|outline|d050000l|alternat|swash|dyslexicalta|small ?cap|(?<!CJK )\bSC\b"
    r"|CJK (JP|KR|TC|HK)|UMing (HK|TW)|UKai (HK|TW)|Zen Hei Sharp",
    re.IGNORECASE,
)
MISSING_HANZI = 20
LIGHTEST, HEAVIEST = 290, 850


@dataclass(frozen=True)
class Entry:
    """One face of a file. ranges: first, last, first, last, ... of the characters it has."""

    path: str
    index: int
    family: str
    subfamily: str
    fixed_pitch: bool
    bold: bool
    italic: bool
    chinese: bool
    ranges: list[int]


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """Every face that can be used, in an order that does not depend on the file system. Needs fontTools on the first call."""
    files = _files()
    stored = _compiled_file(files)
    if stored.is_file():
        return tuple(Entry(**row) for row in json.loads(stored.read_text(encoding="utf-8")))
    found = tuple(_look_at_all(files))
    stored.parent.mkdir(parents=True, exist_ok=True)
    aside = stored.with_suffix(f".{os.getpid()}")
    aside.write_text(json.dumps([asdict(entry) for entry in found]), encoding="utf-8")
    aside.replace(stored)
    return found


def _files() -> list[Path]:
    """Font files, materials first, so that an installed copy of the same face is the one that is dropped."""
    places = [place for row in materials.MATERIALS.values() if row.use == "fonts" and (place := materials.present(row.name))]
    found = [
        path for place in (*places, *INSTALLED) if place.is_dir() for path in sorted(place.rglob("*")) if path.suffix.lower() in ENDINGS
    ]
    return [path for path in found if path.suffix != ".woff" or _wanted_slice(path)]


def _wanted_slice(path: Path) -> bool:
    """npm's fonts are cut by script: the Chinese slice where there is one, else the Latin one; other WOFF files are copies."""
    if path.parent.name != "files" or not path.name.endswith("-normal.woff"):
        return False
    chinese = any(path.parent.glob("*-chinese-simplified-*-normal.woff"))
    return bool(re.search(r"-chinese-simplified-\d+-" if chinese else r"-latin-\d+-", path.name))


def _compiled_file(files: list[Path]) -> Path:
    listing = "\n".join(f"{path} {path.stat().st_size}" for path in files)
    return materials.folder() / ".compiled" / f"fonts-{VERSION}-{zlib.crc32(listing.encode()):08x}.json"


def _look_at_all(files: list[Path]) -> Iterator[Entry]:
    seen: set[tuple[str, str]] = set()
    for path in files:
        for entry in _look_at(path):
            if (entry.family, entry.subfamily) not in seen:
                seen.add((entry.family, entry.subfamily))
                yield entry


def _look_at(path: Path) -> Iterator[Entry]:
    """The usable faces of one file; a file that fontTools can't read has none."""
    try:
        from fontTools.ttLib import TTCollection, TTFont, TTLibError
    except ModuleNotFoundError as error:
        raise MissingMaterial("looking at fonts needs fontTools: pip install fonttools") from error
    try:
        faces: list[Any] = list(TTCollection(path, lazy=True).fonts) if path.suffix.lower() == ".ttc" else [TTFont(path, lazy=True)]
    except TTLibError:
        return
    for index, face in enumerate(faces):
        if (entry := _entry(path, index, face)) is not None:
            yield entry


def _entry(path: Path, index: int, face: Any) -> Entry | None:
    family = (face["name"].getBestFamilyName() or "").strip()
    subfamily = (face["name"].getBestSubFamilyName() or "").strip()
    weight, selection = face["OS/2"].usWeightClass, face["OS/2"].fsSelection
    weight *= 100 if weight < 10 else 1
    if not family or LEFT_OUT.search(f"{family} {subfamily}") or not LIGHTEST <= weight <= HEAVIEST or "fvar" in face:
        return None
    have = set(face.getBestCmap() or ())
    if not have.issuperset(map(ord, NEEDED)) or not draws_letters(path, index):
        return None
    return Entry(
        path=str(path),
        index=index,
        family=family,
        subfamily=subfamily,
        fixed_pitch=len({face["hmtx"][face.getBestCmap()[ord(letter)]][0] for letter in "iMW.0"}) == 1,
        bold=weight >= 600,
        italic=bool(selection & 1) or bool(re.search("italic|oblique", subfamily, re.IGNORECASE)),
        chinese=have.issuperset(map(ord, CHINESE_MARKS)) and len(set(map(ord, EVERYDAY_HANZI)) - have) <= MISSING_HANZI,
        ranges=_ranges(have),
    )


def _ranges(characters: set[int]) -> list[int]:
    flat: list[int] = []
    for code in sorted(characters):
        if flat and flat[-1] == code - 1:
            flat[-1] = code
        else:
            flat += [code, code]
    return flat
