"""Faces to draw text with: printed, handwritten and fixed-pitch ones for English and Chinese, split by family.

    (random source, language, split, style) -> Face -> ImageFont of a size, or a CSS family for the browser

Families that are only tested with are listed by name: designs that share an origin stay on one side, which no hash would see to.
"""

from __future__ import annotations

import os
import random
import re
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from PIL import ImageFont
from recipes.nano.data import materials
from recipes.nano.data.font_catalogue import Entry, entries
from recipes.nano.data.sample import Language, MissingMaterial, Split

Style: TypeAlias = Literal["print", "hand", "mono"]

HAND = re.compile(
    r"handwriting|breip|hand\b|dancing|kaushan|kristi|caveat"
    r"|kalam|indie flower|shadows into|homemade apple|architects daughter|ma shan zheng|zhi mang xing|long cang|liu jian mao cao",
    re.IGNORECASE,
)
TEST = re.compile(
    r"^(lato|carlito|quattrocento|charis sil|vollkorn|karla|gillius|anonymous|fira code|kalam|homemade apple"
    r"|wenquanyi micro hei|smiley sans|zhi mang xing)",
    re.IGNORECASE,
)
VAL = re.compile(
    r"^(open sans|old standard|cabin|junicode|dosis|inconsolata|courier prime|caveat|kristi"
    r"|noto serif cjk|zcool qingke|long cang)",
    re.IGNORECASE,
)
HAND_SHARE, UPRIGHT_SHARE = 0.1, 0.75
LARGE_FILE = 1_000_000  # bytes


@dataclass(frozen=True)
class Face:
    """One face of a font file."""

    path: str
    index: int
    family: str
    languages: tuple[Language, ...]
    style: Style = "print"
    bold: bool = False
    italic: bool = False

    def at(self, size_px: int) -> ImageFont.FreeTypeFont:
        """The face at a size in pixels, for Pillow. Sizes that were asked for lately are kept."""
        return _load(self.path, self.index, size_px)


def faces(language: Language, split: Split) -> Sequence[Face]:
    """Every face of a language and a split. Raises MissingMaterial where there is none."""
    if found := _faces().get((language, split)):
        return found
    fetch = "python -m recipes.nano.data.materials --use fonts, or make fonts"
    raise MissingMaterial(f"no font for {language} in the {split} part is installed or fetched: {fetch}")


def face(source: random.Random, language: Language, split: Split, *, style: Style | None = None, text: str = "") -> Face:
    """One face, every family as likely as any other, more often upright than not; it has all characters of `text`.

    Without a style one in ten is handwriting. Where no fixed-pitch face is, a printed one is taken: few machines have one a split.
    Raises MissingMaterial.
    """
    wanted = style or ("hand" if source.random() < HAND_SHARE else "print")
    for kind in (wanted, *_instead(style)):
        families = _families(language, split).get(kind, {})
        for family in source.sample(sorted(families), len(families)):
            if cuts := [one for one in families[family] if covers(one, text)]:
                upright = [one for one in cuts if not one.italic and not one.bold]
                return source.choice(upright if upright and source.random() < UPRIGHT_SHARE else cuts)
    raise MissingMaterial(f"no {wanted} font for {language} in the {split} part has the characters of {text!r}")


def _instead(style: Style | None) -> tuple[Style, ...]:
    """Styles to take where the wanted one is missing: any when none was asked for, print for fixed pitch."""
    if style is None:
        return ("print", "mono", "hand")
    return ("print",) if style == "mono" else ()


def covers(face: Face, text: str) -> bool:
    """Whether the face has a glyph for every character that has ink."""
    if not text:
        return True
    ranges = _ranges_by_place()[face.path, face.index]
    return all(_within(ranges, ord(character)) for character in set(text) if not character.isspace())


def css_family(face: Face) -> str:
    """The family name under which `font_face_css` declares the face."""
    return f"face-{zlib.crc32(f'{Path(face.path).name} {face.index}'.encode()):08x}"


def font_face_css(faces: Iterable[Face]) -> str:
    """`@font-face` rules with file addresses; the page must be a file itself to be let at them.

    Large files are asked for by name first: a browser that `folders_for_browsers` were told to opens them in place, where a file by its
    address is read and checked as a whole for every page.
    """
    once = {css_family(one): one for one in faces}
    return "\n".join(f'@font-face {{ font-family: "{name}"; src: {_sources(one)}; }}' for name, one in once.items())


def folders_for_browsers() -> list[Path]:
    """The folders of large font files: what a browser should have installed."""
    return sorted({Path(entry.path).parent for entry in entries() if _is_large(entry.path)})


def part_of_family(family: str) -> Split:
    """Which split a family belongs to."""
    if TEST.match(family):
        return "test"
    return "val" if VAL.match(family) else "train"


@lru_cache(maxsize=1)
def _faces() -> dict[tuple[Language, Split], tuple[Face, ...]]:
    table: dict[tuple[Language, Split], list[Face]] = {}
    for entry in entries():
        one = _face_of(entry)
        for language in one.languages:
            table.setdefault((language, part_of_family(one.family)), []).append(one)
    return {key: tuple(found) for key, found in table.items()}


def _face_of(entry: Entry) -> Face:
    """Chinese faces draw English too, but are only offered for Chinese: their Latin letters are few designs."""
    fixed = "Mono" in entry.family if entry.chinese else entry.fixed_pitch
    style: Style = "hand" if HAND.search(entry.family) else "mono" if fixed else "print"
    languages: tuple[Language, ...] = ("zh",) if entry.chinese else ("en",)
    return Face(entry.path, entry.index, entry.family, languages, style, entry.bold, entry.italic)


@lru_cache(maxsize=8)
def _families(language: Language, split: Split) -> dict[Style, dict[str, list[Face]]]:
    table: dict[Style, dict[str, list[Face]]] = {}
    for one in faces(language, split):
        table.setdefault(one.style, {}).setdefault(one.family, []).append(one)
    return table


@lru_cache(maxsize=1)
def _ranges_by_place() -> dict[tuple[str, int], list[int]]:
    return {(entry.path, entry.index): entry.ranges for entry in entries()}


def _within(ranges: list[int], code: int) -> bool:
    """ranges is first, last, first, last: an odd place, or the first of a pair, is inside."""
    place = bisect_left(ranges, code)
    return place < len(ranges) and (place % 2 == 1 or ranges[place] == code)


@lru_cache(maxsize=256)
def _load(path: str, index: int, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size_px, index=index)


def _sources(face: Face) -> str:
    address = f'url("{_single_face(face).as_uri()}")'
    name = _postscript_name(face.path, face.index) if _is_large(face.path) else ""
    return f'local("{name}"), {address}' if name else address


@lru_cache(maxsize=1024)
def _is_large(path: str) -> bool:
    return os.path.getsize(path) >= LARGE_FILE and Path(path).suffix.lower() in (".ttf", ".ttc", ".otf")


@lru_cache(maxsize=256)
def _postscript_name(path: str, index: int) -> str:
    """The name that no other face has."""
    from fontTools.ttLib import TTFont

    with TTFont(path, fontNumber=index, lazy=True) as font:
        return str(font["name"].getDebugName(6) or "")


def _single_face(face: Face) -> Path:
    """A file with this face alone: a browser can't be told which face of a collection to take."""
    path = Path(face.path)
    if path.suffix.lower() != ".ttc":
        return path
    single = materials.folder() / ".compiled" / "faces" / f"{path.stem}-{face.index}.otf"
    if not single.is_file():
        from fontTools.ttLib import TTFont

        single.parent.mkdir(parents=True, exist_ok=True)
        aside = single.with_suffix(f".{os.getpid()}")
        TTFont(path, fontNumber=face.index, lazy=True).save(aside, reorderTables=None)
        aside.replace(single)
    return single
