"""Where the pictures come from: packages of photographs, drawings, cut-outs and screens, and what is taken of each.

    package -> unpacked folder -> Source(key, kind, content of the file)

Packages are only unpacked. Their licences and authors stand in their own copyright files and in the model cards.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from recipes.nano.data import materials
from recipes.nano.data.material_table import Material
from recipes.nano.measure.real import unpacked

Kind: TypeAlias = Literal["photo", "drawing", "cutout", "screen"]

BY_FILE = "by file, in the package's copyright file"
GAME = Material("gcompris", "pictures", "apt", "gcompris-qt-data", "3.1-2", BY_FILE, "GCompris contributors", "photographs")
WALLPAPERS = (
    Material("ukui-wallpapers", "pictures", "apt", "ukui-wallpapers", "20.04.3-1.1", "CC-BY-SA-3.0", "UKUI", "photographs"),
    Material("lomiri-wallpapers-20", "pictures", "apt", "lomiri-wallpapers-20.04", "20.04.0-2", BY_FILE, "UBports", "photographs"),
    Material("palapeli", "pictures", "apt", "palapeli-data", "4:22.12.3-1", BY_FILE, "KDE", "photographs"),
)
# Folders of the game whose pictures are photographs or paintings, and those that are drawn.
GAME_PHOTOS = (
    "categorization", "clickgame", "erase", "explore_farm_animals", "explore_monuments", "explore_world_animals",
    "explore_world_music", "details",
)  # fmt: skip
GAME_DRAWINGS = ("lang", "chronos", "gravity")
# Files of packages that recipes/nano fetches too: package -> what is taken of it.
REAL_PHOTOS = {
    "mate-backgrounds": "usr/share/backgrounds/mate/nature/*.jpg",
    "lomiri-wallpapers": "usr/share/backgrounds/*.jpg",
    "scikit-learn": "sklearn/datasets/images/*.jpg",
    "pikepdf": "*/docs/images/[psc][!a]*.jpg",
}
SKIMAGE = ("astronaut", "coffee", "chelsea", "rocket", "camera", "motorcycle_left", "brick", "grass", "gravel", "coins")
REAL_SCREENS = {
    "gnome-user-docs": "**/*.png", "debian-handbook": "**/en-US/**/*.png", "octave-doc": "**/*.png",
    "maint-guide-zh-cn": "**/*.png", "matplotlib": "**/sample_data/*.png",
}  # fmt: skip
# Every so many of the large sets.
CLIP_ART_STEP, STAMP_STEP, EMOJI_STEP = 21, 3, 12
LARGEST_SVG = 250_000  # bytes: larger ones take seconds to draw


@dataclass(frozen=True)
class Source:
    """A picture that can be had. content: of its file. key: unique and lasting."""

    key: str
    kind: Kind
    content: bytes


def sources() -> Iterator[Source]:
    """Every picture, in the same order each time. Raises MissingMaterial with the mirror's own words."""
    yield from _game()
    for material in WALLPAPERS:
        yield from _files(material.name, "photo", _unpacked(material), "**/*.jpg")
    for package, pattern in REAL_PHOTOS.items():
        yield from _files(package, "photo", unpacked(package), pattern)
    yield from _named("scikit-image", unpacked("scikit-image") / "skimage/data", SKIMAGE)
    for package, pattern in REAL_SCREENS.items():
        yield from _files(package, "screen", unpacked(package), pattern)
    found = materials.ensure("openclipart", "tuxpaint-stamps", "fluent-emoji-3d")
    yield from _files("openclipart", "drawing", found["openclipart"], "**/*.svg", CLIP_ART_STEP, LARGEST_SVG)
    yield from _files("tuxpaint-stamps", "cutout", found["tuxpaint-stamps"] / "usr/share/tuxpaint/stamps", "**/*.png", STAMP_STEP)
    yield from _files("fluent-emoji-3d", "cutout", found["fluent-emoji-3d"], "**/*.webp", EMOJI_STEP)


def _unpacked(material: Material) -> Path:
    place = materials.folder() / material.name
    return place if (place / materials.STAMP).is_file() else materials._fetch(material)


def _files(package: str, kind: Kind, folder: Path, pattern: str, step: int = 1, most: int = 1 << 30) -> Iterator[Source]:
    for path in sorted(folder.glob(pattern))[::step]:
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= most:
            yield Source(f"{package}/{path.relative_to(folder).as_posix()}", kind, path.read_bytes())


def _named(package: str, folder: Path, stems: tuple[str, ...]) -> Iterator[Source]:
    for stem in stems:
        path = next(iter(sorted(folder.glob(f"{stem}.*"))), None)
        if path is not None:
            yield Source(f"{package}/{path.name}", "photo", path.read_bytes())


def _game() -> Iterator[Source]:
    """The game keeps WebP files as they are within resource files: a RIFF header tells where each begins and how long it is."""
    folder = _unpacked(GAME) / "usr/share/gcompris-qt/rcc"
    for names, kind in ((GAME_PHOTOS, "photo"), (GAME_DRAWINGS, "drawing")):
        for name in names:
            content = (folder / f"{name}.rcc").read_bytes()
            for number, match in enumerate(re.finditer(rb"RIFF(....)WEBP", content, re.DOTALL)):
                size = struct.unpack("<I", match.group(1))[0] + 8
                yield Source(f"gcompris/{name}/{number}", kind, content[match.start() : match.start() + size])  # type: ignore[arg-type]
