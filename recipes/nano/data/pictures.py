"""Cut-out pictures with names in two languages, split so that the pictures of a test were never seen in training.

    index.json of the rendered folder -> Album.drawings(split) -> Album.picture(drawing, height) -> RGBA, cropped to its ink

Split goes by drawing: a test shows known things in drawings that training lacks. One set, openmoji, is for tests alone. How often a set
is chosen does not depend on its size, or the few photographs would hardly be seen.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image
from recipes.nano.data.colours import painted
from recipes.nano.data.names import Name
from recipes.nano.data.sample import MissingMaterial, Split, part_of

TEST_STYLE = "openmoji"
# Two renderings of one design are one drawing.
_DESIGN = {"fluent-emoji-3d": "fluent-emoji"}
_WEIGHTS = {"fluent-emoji": 3, "fluent-emoji-3d": 4, "noto-emoji": 4, "twemoji": 3, "stamp": 5, "openmoji": 6}


@dataclass(frozen=True)
class Drawing:
    """One picture of a set. colour: what most of it has, if that is clear."""

    key: str
    style: str
    name: Name
    colour: str | None
    file: Path


class Album:
    """The drawings of one folder, kept by split and set; a few hundred decoded ones are remembered."""

    def __init__(self, folder: Path) -> None:
        try:
            rows = json.loads((folder / "index.json").read_text("utf-8"))
        except FileNotFoundError as error:
            raise MissingMaterial(f"no pictures in {folder}; make them with: python -m recipes.nano.data.picture_index") from error
        self._drawings: dict[Split, dict[str, list[Drawing]]] = {"train": {}, "val": {}, "test": {}}
        self._named: dict[tuple[Split, str], list[Drawing]] = {}
        for row in rows:
            name = Name(row["en"], row["zh"], row["kind"])
            drawing = Drawing(row["key"], row["style"], name, row["colour"], folder / row["file"])
            split = split_of(drawing)
            self._drawings[split].setdefault(drawing.style, []).append(drawing)
            self._named.setdefault((split, name.en), []).append(drawing)

    def drawings(self, split: Split) -> list[Drawing]:
        return [drawing for style in self._drawings[split].values() for drawing in style]

    def pick(
        self, source: random.Random, split: Split, *, style: str | None = None, fits: Callable[[Drawing], bool] | None = None
    ) -> Drawing | None:
        """A drawing that fits, of this set or of any, or None if forty tries found none."""
        sets = self._drawings[split]
        if not sets:
            return None
        for _ in range(40):
            chosen = (
                style
                if style in sets
                else source.choices(list(sets), [_weight(style, len(drawings)) for style, drawings in sets.items()])[0]
            )
            drawing = source.choice(sets[chosen or ""])
            if fits is None or fits(drawing):
                return drawing
        return None

    def namesakes(self, name: Name, split: Split) -> Sequence[Drawing]:
        """Every drawing of a thing of this name."""
        return self._named.get((split, name.en), ())

    def picture(self, drawing: Drawing, side: int, *, colour: str | None = None, mirrored: bool = False) -> Image.Image | None:
        """RGBA with `side` px on its longer side; None if it can't be painted in that colour."""
        picture = _opened(drawing.file)
        if colour is not None and colour != drawing.colour:
            other = painted(picture, colour)
            if other is None:
                return None
            picture = other
        scale = side / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BICUBIC)
        return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else picture


def _weight(style: str, drawings: int) -> float:
    """A set of which a split has only a few drawings is chosen less often, or these would be everywhere."""
    return _WEIGHTS.get(style, 1) * min(1.0, drawings / 60)


def split_of(drawing: Drawing) -> Split:
    """The split of a drawing, by its design."""
    if drawing.style == TEST_STYLE:
        return "test"
    return part_of(f"{_DESIGN.get(drawing.style, drawing.style)}/{drawing.key.partition('/')[2]}")


@lru_cache(maxsize=1)
def album() -> Album:
    """The album of the rendered picture sets. Raises MissingMaterial with the command that makes it."""
    from recipes.nano.data.picture_index import place

    return Album(place())


@lru_cache(maxsize=400)
def _opened(file: Path) -> Image.Image:
    with Image.open(file) as picture:
        return picture.convert("RGBA")
