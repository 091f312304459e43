"""Things on a ground, nowhere overlapping, with the exact box of the ink of each.

    [Item(name, RGBA picture)], ground, arrangement -> compose -> Scene(image, things with boxes in px)

What would hardly stand out from the ground gets a halo; the box stays that of the thing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageFilter
from recipes.nano.data.names import Name
from recipes.nano.data.sample import Language

Arrangement = Literal["free", "row", "column"]
PixelBox = tuple[int, int, int, int]
_TRIES = 120
_SHRINK = 0.88


@dataclass(frozen=True)
class Item:
    """What is to be placed. colour: the one that most of it has, if that is clear; key: which drawing it is."""

    name: Name
    picture: Image.Image
    colour: str | None
    key: str


@dataclass(frozen=True)
class Thing:
    """What stands in a scene. box: left, top, right, bottom in px, of its ink."""

    name: Name
    colour: str | None
    key: str
    box: PixelBox

    @property
    def centre(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    @property
    def area(self) -> int:
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    @property
    def longer(self) -> int:
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


@dataclass(frozen=True)
class Scene:
    """A picture and all that stands in it. arrangement: whether the things stand in line, in that order."""

    image: Image.Image
    things: tuple[Thing, ...]
    arrangement: Arrangement = "free"

    def thousandths(self, box: PixelBox) -> tuple[int, int, int, int]:
        """The box as the released format has it."""
        width, height = self.image.size
        x1, y1, x2, y2 = (round(1000 * edge / side) for edge, side in zip(box, (width, height, width, height), strict=True))
        return x1, y1, x2, y2

    def marked(self, things: Sequence[Thing]) -> str:
        """`<box>[[x1, y1, x2, y2], ...]</box>`."""
        return f"<box>{[list(self.thousandths(thing.box)) for thing in things]}</box>"

    def facts(self, language: Language) -> list[dict[str, Any]]:
        return [
            {"name": thing.name.said(language), "colour": thing.colour, "drawing": thing.key, "box": list(self.thousandths(thing.box))}
            for thing in self.things
        ]


@dataclass(frozen=True)
class Placed:
    """An item that has its place. picture: as large as it is drawn; corner: its top left in px."""

    item: Item
    picture: Image.Image
    corner: tuple[int, int]

    def apart(self, corner: tuple[int, int], size: tuple[int, int], gap: int) -> bool:
        return _apart((*self.corner, *self.picture.size), (*corner, *size), gap)


def compose(source: random.Random, items: Sequence[Item], ground: Image.Image, *, arrangement: Arrangement = "free") -> Scene | None:
    """The scene, or None where so many things of such sizes found no room even when made smaller."""
    placed = place(source, items, ground.size, arrangement=arrangement)
    return None if placed is None else drawn(placed, ground, arrangement)


def place(
    source: random.Random, items: Sequence[Item], room: tuple[int, int], *, arrangement: Arrangement = "free"
) -> list[Placed] | None:
    """Where each item goes, without overlaps; smaller and smaller until they fit. None where they never do."""
    scale = 1.0
    for _ in range(10):
        pictures = [_scaled(item.picture, scale) for item in items]
        sizes = [picture.size for picture in pictures]
        corners = _scattered(source, sizes, room) if arrangement == "free" else _lined(source, sizes, room, arrangement)
        if corners is not None:
            return [Placed(*each) for each in zip(items, pictures, corners, strict=True)]
        scale *= _SHRINK
    return None


def drawn(placed: Sequence[Placed], ground: Image.Image, arrangement: Arrangement = "free") -> Scene:
    """The scene of placed items; the ground stays as it was."""
    canvas = ground.convert("RGB").copy()
    things = [Thing(each.item.name, each.item.colour, each.item.key, paste(canvas, each.picture, each.corner)) for each in placed]
    return Scene(canvas, tuple(things), arrangement)


def paste(canvas: Image.Image, picture: Image.Image, corner: tuple[int, int]) -> PixelBox:
    """Put an RGBA picture on an RGB canvas, with a halo where it needs one; the box of its ink."""
    box = (corner[0], corner[1], corner[0] + picture.width, corner[1] + picture.height)
    patch = canvas.crop(box)
    alpha = picture.getchannel("A")
    if _blends_in(picture, patch):
        _halo(canvas, alpha, corner, dark=float(np.asarray(patch).mean()) > 128)
    canvas.paste(picture.convert("RGB"), corner, alpha)
    ink = alpha.point(lambda value: 255 if value > 40 else 0).getbbox() or (0, 0, picture.width, picture.height)
    return corner[0] + ink[0], corner[1] + ink[1], corner[0] + ink[2], corner[1] + ink[3]


def _scaled(picture: Image.Image, scale: float) -> Image.Image:
    if scale == 1.0:
        return picture
    return picture.resize((max(8, round(picture.width * scale)), max(8, round(picture.height * scale))), Image.Resampling.LANCZOS)


def _scattered(source: random.Random, sizes: Sequence[tuple[int, int]], room: tuple[int, int]) -> list[tuple[int, int]] | None:
    """Free corners, found by trial; the largest things first."""
    gap = max(4, round(0.012 * min(room)))
    corners: dict[int, tuple[int, int]] = {}
    for number in sorted(range(len(sizes)), key=lambda each: -sizes[each][0] * sizes[each][1]):
        width, height = sizes[number]
        if width + 2 > room[0] or height + 2 > room[1]:
            return None
        for _ in range(_TRIES):
            x, y = source.randint(1, room[0] - width - 1), source.randint(1, room[1] - height - 1)
            if all(_apart((x, y, width, height), (*corners[other], *sizes[other]), gap) for other in corners):
                corners[number] = (x, y)
                break
        else:
            return None
    return [corners[number] for number in range(len(sizes))]


def _apart(first: tuple[int, int, int, int], second: tuple[int, int, int, int], gap: int) -> bool:
    (ax, ay, aw, ah), (bx, by, bw, bh) = first, second
    return ax + aw + gap <= bx or bx + bw + gap <= ax or ay + ah + gap <= by or by + bh + gap <= ay


def _lined(
    source: random.Random, sizes: Sequence[tuple[int, int]], room: tuple[int, int], arrangement: Arrangement
) -> list[tuple[int, int]] | None:
    """One after another from left to right, or from top to bottom, with equal gaps and a little disorder across."""
    along, across = (0, 1) if arrangement == "row" else (1, 0)
    free = room[along] - sum(size[along] for size in sizes)
    gap = free // (len(sizes) + 1)
    if gap < 6 or max(size[across] for size in sizes) + 4 > room[across]:
        return None
    middle = source.uniform(0.4, 0.6) * room[across]
    corners, place = [], gap
    for size in sizes:
        wander = source.uniform(-0.1, 0.1) * size[across]
        over = round(min(max(1, middle - size[across] / 2 + wander), room[across] - size[across] - 1))
        corners.append((place, over) if along == 0 else (over, place))
        place += size[along] + gap
    return corners


def _blends_in(picture: Image.Image, patch: Image.Image) -> bool:
    """Whether most of the picture has about the ground's colour."""
    small = (24, 24)
    bands = np.asarray(picture.resize(small, Image.Resampling.BOX), dtype=np.int16)
    under = np.asarray(patch.resize(small, Image.Resampling.BOX), dtype=np.int16)
    opaque = bands[..., 3] > 128
    differs = np.abs(bands[..., :3] - under).max(axis=-1) > 48
    return bool((opaque & differs).sum() < 0.45 * max(1, opaque.sum()))


def _halo(canvas: Image.Image, alpha: Image.Image, corner: tuple[int, int], *, dark: bool) -> None:
    reach = max(3, round(0.04 * max(alpha.size)))
    wide = Image.new("L", (alpha.width + 4 * reach, alpha.height + 4 * reach))
    wide.paste(alpha, (2 * reach, 2 * reach))
    soft = wide.filter(ImageFilter.GaussianBlur(reach)).point(lambda value: min(210, value * 2))
    canvas.paste((70, 74, 84) if dark else (245, 245, 245), (corner[0] - 2 * reach, corner[1] - 2 * reach), soft)
