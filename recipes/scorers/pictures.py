"""The album that pictures are cut from: decoded once, alike ones grouped, groups split into training, validation and test.

    sources -> build/scorers/pictures/NUMBER.png + index.json -> Album -> (random source, split, kind) -> picture

Pictures whose 64-bit difference hashes differ in few bits are one group: the test holds nothing alike to what was trained on.

    python -m recipes.scorers.pictures
"""

from __future__ import annotations

import io
import json
import random
import zlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy
import PIL.Image
from numpy.typing import NDArray
from recipes.nano.data import materials
from recipes.nano.data.sample import MissingMaterial, Split
from recipes.nano.data.svg import draw_svg
from recipes.scorers.picture_sources import Kind, Source, sources

LONGEST = {"photo": 1280, "drawing": 512, "cutout": 384, "screen": 1280}  # px
SHORTEST = {"photo": 256, "drawing": 256, "cutout": 120, "screen": 256}
ALIKE_BITS = 8
TEST_PERCENT, VAL_PERCENT = 22, 8


@dataclass(frozen=True)
class Picture:
    """A row of the index. file: PNG, RGB or (cut-outs and drawings) RGBA."""

    key: str
    kind: Kind
    split: Split
    file: str


def folder() -> Path:
    """Where the recipe keeps what it makes: build/scorers, beside the materials."""
    return materials.folder().parent / "scorers"


def prepare() -> Path:
    """Decode every picture, unless that was done. Raises MissingMaterial."""
    place = folder() / "pictures"
    if (place / "index.json").is_file():
        return place
    place.mkdir(parents=True, exist_ok=True)
    kept: list[tuple[Source, str, int]] = []
    for source in sources():
        file = f"{zlib.crc32(source.key.encode()):08x}.png"
        if (picture := _stored(source, place / file)) is not None:
            kept.append((source, file, _difference_hash(picture)))
    groups = _groups([bits for _, _, bits in kept])
    rows = [Picture(one.key, one.kind, split_of(kept[group][0].key), file) for (one, file, _), group in zip(kept, groups, strict=True)]
    (place / "index.tmp").write_text(json.dumps([asdict(row) for row in rows], indent=0), encoding="utf-8")
    (place / "index.tmp").replace(place / "index.json")
    return place


def split_of(key: str) -> Split:
    """The split of a group of pictures, by the key of its first."""
    number = zlib.crc32(f"scorers {key}".encode()) % 100
    return "test" if number < TEST_PERCENT else "val" if number < TEST_PERCENT + VAL_PERCENT else "train"


class Album:
    """The decoded pictures of one split. They are kept in memory: about one gigabyte for training."""

    def __init__(self, place: Path, split: Split) -> None:
        if not (place / "index.json").is_file():
            raise MissingMaterial(f"no pictures in {place}; make them with: python -m recipes.scorers.pictures")
        rows = [Picture(**row) for row in json.loads((place / "index.json").read_text("utf-8"))]
        self._place = place
        self.of_kind: dict[str, list[Picture]] = {}
        for row in rows:
            if row.split == split:
                self.of_kind.setdefault(row.kind, []).append(row)
        self._open = lru_cache(maxsize=2000)(self._opened)

    def pick(self, source: random.Random, kind: Kind) -> PIL.Image.Image:
        """One picture of a kind; don't change it."""
        return self._open(source.choice(self.of_kind[kind]).file)

    def _opened(self, file: str) -> PIL.Image.Image:
        with PIL.Image.open(self._place / file) as picture:
            picture.load()
            return picture


@lru_cache(maxsize=3)
def album(split: Split) -> Album:
    """The album of a split."""
    return Album(folder() / "pictures", split)


def _stored(source: Source, path: Path) -> PIL.Image.Image | None:
    """The picture, decoded and written, or None for what can't be used: unreadable, too small, empty."""
    if path.is_file():
        return PIL.Image.open(path)
    picture = _decoded(source)
    if picture is None or min(picture.size) < SHORTEST[source.kind]:
        return None
    picture.thumbnail((LONGEST[source.kind],) * 2, PIL.Image.Resampling.LANCZOS)
    if max(high - low for low, high in picture.convert("RGB").getextrema()) < 40:  # type: ignore[misc, operator]
        return None
    unfinished = path.with_suffix(".tmp")
    picture.save(unfinished, "PNG", compress_level=1)
    unfinished.replace(path)
    return picture


def _decoded(source: Source) -> PIL.Image.Image | None:
    try:
        if source.key.endswith(".svg"):
            picture = draw_svg(source.content.decode("utf-8"), LONGEST[source.kind])
        else:
            picture = PIL.Image.open(io.BytesIO(source.content))
        keeps_alpha = source.kind in ("drawing", "cutout")
        picture = picture.convert("RGBA" if keeps_alpha else "RGB")
    except (ValueError, OSError):
        return None
    box = picture.getchannel("A").getbbox() if keeps_alpha else None
    return picture.crop(box) if box else picture


def _difference_hash(picture: PIL.Image.Image) -> int:
    """64 bits: whether each of 8 x 8 places is lighter than the one to its right. Transparent is white."""
    ground = PIL.Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture.convert("RGBA"))
    small = numpy.asarray(ground.convert("L").resize((9, 8), PIL.Image.Resampling.BOX), dtype=numpy.int16)
    return int.from_bytes(numpy.packbits(small[:, :-1] > small[:, 1:]).tobytes(), "big")


def _groups(hashes: list[int]) -> list[int]:
    """For each picture the index of the first that it is alike to, directly or through others."""
    bits = numpy.unpackbits(numpy.array(hashes, dtype=">u8").view(numpy.uint8).reshape(-1, 8), axis=1).astype(numpy.float32)
    groups = list(range(len(hashes)))
    for index in range(1, len(hashes)):
        earlier = bits[:index]
        far: NDArray[numpy.float32] = bits[index].sum() + earlier.sum(1) - 2 * earlier @ bits[index]
        alike = {groups[other] for other in numpy.flatnonzero(far <= ALIKE_BITS).tolist()}
        if alike:
            first = min(alike)
            groups = [first if group in alike else group for group in groups]
            groups[index] = first
    return groups


if __name__ == "__main__":
    print(prepare())
