"""A scene and the same scene after one change, or none: something added, removed, replaced, painted over or moved.

source -> placed items -> one change -> Changed(before, after, how, what)
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image
from recipes.nano.data import cast
from recipes.nano.data.colours import COLOURS, Colour, jittered
from recipes.nano.data.compose_scene import Item, Placed, Scene, drawn, place
from recipes.nano.data.families.scenes import clear, items_of, size_of
from recipes.nano.data.names import Name
from recipes.nano.data.pictures import Album
from recipes.nano.data.sample import Split
from recipes.nano.data.shapes import shape_name

_HOWS = (None, "added", "removed", "replaced", "painted", "moved")
_WEIGHTS = (0.2, 0.16, 0.16, 0.16, 0.16, 0.16)


@dataclass(frozen=True)
class Changed:
    """how: None where both pictures are the same. name: what changed; other: what it became; way: where it went."""

    before: Scene
    after: Scene
    how: str | None
    name: Name
    other: Name | None = None
    way: str = ""
    colours: tuple[Colour, Colour] | None = None


def change(source: random.Random, pictures: Album, split: Split, longest: int) -> Changed:
    """Two to six single things, and one change. Tried until the wanted change is possible."""
    how = source.choices(_HOWS, _WEIGHTS)[0]
    for _ in range(60):
        size = size_of(source, longest)
        under = cast.ground(source, size, split)
        chosen = cast.kinds(source, pictures, split, source.randint(2, 6), under, shapes=1.0 if how == "painted" else 0.4)
        chosen = [kind for kind in chosen if kind.name.counted]
        items = items_of(source, pictures, split, chosen, [1] * len(chosen), size)
        placed = place(source, items, size) if len(items) >= 2 else None
        if placed is None or not clear(drawn(placed, under)):
            continue
        made = _changed(source, pictures, split, placed, under, how)
        if made is not None:
            return made
    raise RuntimeError("found no scene that can be changed so")


def _changed(
    source: random.Random, pictures: Album, split: Split, placed: Sequence[Placed], under: Image.Image, how: str | None
) -> Changed | None:
    one = source.choice(list(placed))
    rest = [each for each in placed if each is not one]
    before = drawn(placed, under)
    name = one.item.name
    if how is None:
        return Changed(before, drawn(placed, under), None, name)
    if how == "removed":
        return Changed(before, drawn(rest, under), how, name)
    if how == "added":
        return Changed(drawn(rest, under), before, how, name)
    if how == "moved":
        return _moved(source, placed, one, under)
    if how == "painted":
        return _painted(source, placed, under)
    other = _replacement(source, pictures, split, one, [each.item.name for each in placed], under)
    if other is None:
        return None
    after = drawn([other if each is one else each for each in placed], under)
    return Changed(before, after, how, name, other=other.item.name)


def _replacement(
    source: random.Random, pictures: Album, split: Split, one: Placed, present: Sequence[Name], under: Image.Image
) -> Placed | None:
    """Another kind of thing, no larger, in the same place."""
    for _ in range(20):
        kind = cast.shape_kind(source, under) if source.random() < 0.3 else cast.picture_kind(source, pictures, split)
        if kind is None or not kind.name.counted or any(cast.too_close(kind.name, name) for name in present):
            continue
        item = cast.item(source, pictures, split, kind, max(one.picture.size))
        if item is None:
            continue
        picture = item.picture.copy()
        picture.thumbnail(one.picture.size, Image.Resampling.LANCZOS)
        if min(picture.size) >= 16:
            return Placed(item, picture, one.corner)
    return None


def _moved(source: random.Random, placed: Sequence[Placed], one: Placed, under: Image.Image) -> Changed | None:
    """To a free place that lies clearly in one direction, some way off."""
    rest = [each for each in placed if each is not one]
    width, height = one.picture.size
    for _ in range(60):
        x, y = source.randint(1, under.width - width - 1), source.randint(1, under.height - height - 1)
        dx, dy = x - one.corner[0], y - one.corner[1]
        far = max(abs(dx) / under.width, abs(dy) / under.height) > 0.2
        if far and max(abs(dx), abs(dy)) > 2 * min(abs(dx), abs(dy)) and all(each.apart((x, y), (width, height), 4) for each in rest):
            way = ("left" if dx < 0 else "right") if abs(dx) > abs(dy) else ("above" if dy < 0 else "below")
            after = [Placed(one.item, one.picture, (x, y)) if each is one else each for each in placed]
            return Changed(drawn(placed, under), drawn(after, under), "moved", one.item.name, way=way)
    return None


def _painted(source: random.Random, placed: Sequence[Placed], under: Image.Image) -> Changed | None:
    """A shape in another colour that stands out and is not close to the first. Its like must not be there already."""
    shapes = [each for each in placed if each.item.name.kind == "shape"]
    if not shapes:
        return None
    one = source.choice(shapes)
    colour, _, shape = one.item.name.en.partition(" ")
    for _ in range(20):
        other = cast.shape_kind(source, under).colour or ""
        name = shape_name(shape, other)
        noun = cast.plain(name).en
        alone = sum(cast.plain(each.item.name).en == noun for each in placed) == 1
        if other == colour or not alone or cast.too_close(name, one.item.name):
            continue
        solid = Image.new("RGBA", one.picture.size, (*jittered(COLOURS[other], source), 255))
        solid.putalpha(one.picture.getchannel("A"))
        item: Item = replace(one.item, name=name, colour=other, picture=solid)
        after = [Placed(item, solid, one.corner) if each is one else each for each in placed]
        colours = (COLOURS[colour], COLOURS[other])
        return Changed(drawn(placed, under), drawn(after, under), "painted", one.item.name, colours=colours)
    return None
