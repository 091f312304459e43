"""Stamps of a paint program with captions in fifty languages, and photographs of packages, cut into parts that do not overlap.

tuxpaint-stamps/.../koala.png + koala.txt -> Labelled(names {"en": "A koala.", "de": "Ein Koala."})
Dune.jpg -> six Labelled with a crop each, named after the file
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.data_engine.emoji import from_recipe
from benchmarks.data_engine.labelled import LARGEST_SVG_BYTES, Labelled
from PIL import Image
from recipes.dual_nano import stamps as recipe
from recipes.nano.data.materials import folder

_SMALLEST_STAMP = 100
_WALLPAPERS = ("real-lomiri-wallpapers/usr/share/backgrounds", "real-mate-backgrounds/usr/share/backgrounds/mate/nature")
_PHOTOGRAPHS = {
    "real-scikit-image/skimage/data/astronaut.png": "An astronaut in front of a flag and a model of the space shuttle",
    "real-scikit-image/skimage/data/camera.png": "A man with a camera on a tripod",
    "real-scikit-image/skimage/data/chelsea.png": "A tabby cat looks into the camera",
    "real-scikit-image/skimage/data/coffee.png": "A cup of coffee with a spoon on a wooden table",
    "real-scikit-image/skimage/data/coins.png": "Old coins in rows on a dark ground",
    "real-scikit-image/skimage/data/brick.png": "A wall of bricks",
    "real-scikit-image/skimage/data/grass.png": "Blades of grass from above",
    "real-scikit-image/skimage/data/gravel.png": "Gravel, small stones on the ground",
    "real-scikit-image/skimage/data/moon.png": "The surface of the moon with craters",
    "real-scikit-image/skimage/data/rocket.jpg": "A rocket on its launch pad",
    "real-scikit-image/skimage/data/motorcycle_left.png": "A motorcycle in a workshop",
    "real-scikit-learn/sklearn/datasets/images/china.jpg": "A Chinese palace with curved roofs",
    "real-scikit-learn/sklearn/datasets/images/flower.jpg": "A dahlia in full flower",
}
_GRID = (3, 2)  # parts of a wallpaper, columns and rows


def stamps() -> Iterator[Labelled]:
    """Every stamp that shows a thing. Raises MissingMaterial."""
    for each in recipe.stamps():
        if _usable(Path(each.source)):
            yield from_recipe(each)


def photographs() -> Iterator[Labelled]:
    """What of them was fetched: the photographs whole, wallpapers in parts."""
    for name, said in _PHOTOGRAPHS.items():
        if (folder() / name).is_file():
            yield Labelled(f"photograph/{Path(name).stem}", "photograph", folder() / name, {"en": said})
    for place in _WALLPAPERS:
        for file in sorted((folder() / place).glob("*.jpg")):
            for index, crop in enumerate(_parts()):
                said = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", file.stem.partition("_by_")[0].replace("_", " "))
                yield Labelled(f"photograph/{file.stem}-{index}", "photograph", file, {"en": f"Photograph: {said}"}, crop=crop)


def _usable(file: Path) -> bool:
    if file.suffix == ".svg":
        return file.stat().st_size <= LARGEST_SVG_BYTES
    with Image.open(file) as picture:
        return min(picture.size) >= _SMALLEST_STAMP


def _parts() -> Iterator[tuple[int, int, int, int]]:
    columns, rows = _GRID
    for row in range(rows):
        for column in range(columns):
            yield tuple(1000 * edge // of for edge, of in ((column, columns), (row, rows), (column + 1, columns), (row + 1, rows)))  # type: ignore[misc]
