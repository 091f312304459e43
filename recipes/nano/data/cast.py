"""Who appears in a picture: kinds of things that nobody would mix up, and how many of each.

(source, album, split) -> kinds -> [Kind(name, drawing or shape, colour)] -> items -> [Item] for compose
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image
from recipes.nano.data.backgrounds import ground as any_ground
from recipes.nano.data.colours import COLOURS, distance
from recipes.nano.data.compose_scene import Item
from recipes.nano.data.names import Name, confusable
from recipes.nano.data.pictures import Album, Drawing
from recipes.nano.data.sample import Split
from recipes.nano.data.shapes import SHAPES, shape_name, shape_picture

_PAINTS = ("red", "orange", "yellow", "green", "blue", "purple")
# Shapes in these colours look too much alike for people to agree.
_CLOSE = (
    {"red", "orange"},
    {"red", "pink"},
    {"orange", "yellow"},
    {"orange", "brown"},
    {"black", "brown"},
    {"blue", "purple"},
    {"gray", "brown"},
)
_LIKE_SHAPES = ({"circle", "oval"}, {"square", "rectangle"}, {"square", "diamond"}, {"pentagon", "hexagon"}, {"circle", "hexagon"})
_FAR_ENOUGH = 170.0


@dataclass(frozen=True)
class Kind:
    """One kind of thing. drawing: None for a shape; painted: the colour that its drawing is painted in."""

    name: Name
    drawing: Drawing | None
    shape: str | None = None
    colour: str | None = None
    painted: bool = False


def ground(source: random.Random, size: tuple[int, int], split: Split) -> Image.Image:
    """Something to stand on, as `backgrounds` makes it."""
    return any_ground(source, size, split)


def kinds(source: random.Random, album: Album, split: Split, count: int, under: Image.Image, *, shapes: float = 0.3) -> list[Kind]:
    """So many kinds, or fewer where no more were found. shapes: the share of pictures with shapes, alone or among others."""
    share = source.choice((0.5, 1.0)) if source.random() < shapes else 0.0
    chosen: list[Kind] = []
    for _ in range(6 * count):
        if len(chosen) == count:
            break
        kind = shape_kind(source, under) if source.random() < share else picture_kind(source, album, split)
        if kind is not None and not any(clash(kind, other) for other in chosen):
            chosen.append(kind)
            chosen += _sibling(source, album, kind, chosen, count)
    return chosen


def absent(source: random.Random, album: Album, split: Split, present: Sequence[Name]) -> Name | None:
    """The name of something that is certainly not there; now and then almost the name of something that is."""
    for _ in range(30):
        shapes = [name for name in present if name.kind == "shape" and name.exact]
        if shapes and source.random() < 0.5:
            name = _other_shape(source, source.choice(shapes))
        else:
            drawing = album.pick(source, split, fits=lambda each: each.name.counted)
            if drawing is None:
                return None
            name = drawing.name
        if not any(too_close(name, other) for other in present):
            return name
    return None


def picture_kind(source: random.Random, album: Album, split: Split) -> Kind | None:
    drawing = album.pick(source, split)
    if drawing is None:
        return None
    if drawing.colour is not None and drawing.name.counted and source.random() < 0.4:
        return paint(album, drawing, source.choice(_PAINTS)) or Kind(drawing.name, drawing, colour=drawing.colour)
    return Kind(drawing.name, drawing, colour=drawing.colour)


def paint(album: Album, drawing: Drawing, colour: str) -> Kind | None:
    """The drawing in another colour, with the colour in its name."""
    named_by_colour = any(word in COLOURS for word in drawing.name.en.lower().split())
    if colour == drawing.colour or named_by_colour or album.picture(drawing, 96, colour=colour) is None:
        return None
    name = Name(f"{colour} {drawing.name.en}", f"{COLOURS[colour].zh}的{drawing.name.zh}", drawing.name.kind, exact=True)
    return Kind(name, drawing, colour=colour, painted=True)


def shape_kind(source: random.Random, under: Image.Image) -> Kind:
    """A shape whose colour stands out from the ground."""
    middle = under.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    seen = [name for name, colour in COLOURS.items() if distance(colour.rgb, middle) > _FAR_ENOUGH]  # type: ignore[arg-type]
    colour = source.choice(seen or ["black", "white"])
    shape = source.choice(list(SHAPES))
    return Kind(shape_name(shape, colour), None, shape, colour)


def clash(first: Kind, second: Kind) -> bool:
    """Whether people might take one for the other."""
    return too_close(first.name, second.name)


def too_close(first: Name, second: Name) -> bool:
    return confusable(first, second) or _alike(first, second)


def item(source: random.Random, album: Album, split: Split, kind: Kind, side: int) -> Item | None:
    """One thing of the kind; of a kind that is not painted now and then another drawing of the same name."""
    if kind.drawing is None:
        assert kind.shape is not None
        assert kind.colour is not None
        return Item(kind.name, shape_picture(source, kind.shape, kind.colour, side), kind.colour, f"shape/{kind.shape}")
    drawing, colour = kind.drawing, kind.colour
    if not kind.painted and source.random() < 0.25:
        drawing = source.choice(list(album.namesakes(kind.name, split)) or [drawing])
        colour = drawing.colour
    picture = album.picture(drawing, side, colour=kind.colour if kind.painted else None, mirrored=_may_mirror(source, kind.name))
    return None if picture is None else Item(kind.name, picture, colour, drawing.key)


def _may_mirror(source: random.Random, name: Name) -> bool:
    return name.kind not in {"device", "building"} and source.random() < 0.35


def _sibling(source: random.Random, album: Album, kind: Kind, chosen: Sequence[Kind], count: int) -> list[Kind]:
    """With a painted thing often the same in another colour, so that the colour must be looked at."""
    if not kind.painted or kind.drawing is None or len(chosen) >= count or source.random() < 0.4:
        return []
    other = paint(album, kind.drawing, source.choice(_PAINTS))
    return [other] if other is not None and not any(clash(other, each) for each in chosen) else []


def _alike(first: Name, second: Name) -> bool:
    """Two shapes of close colours, or two close shapes of one colour; two things painted in close colours."""
    (first_colour, _, first_noun), (second_colour, _, second_noun) = first.en.partition(" "), second.en.partition(" ")
    if not (first.exact and second.exact):
        return False
    close_nouns = first_noun == second_noun or {first_noun, second_noun} in _LIKE_SHAPES
    return close_colours(first_colour, second_colour) and close_nouns


def close_colours(first: str, second: str) -> bool:
    return first == second or {first, second} in _CLOSE


def _other_shape(source: random.Random, name: Name) -> Name:
    colour, _, shape = name.en.partition(" ")
    if source.random() < 0.5:
        colour = source.choice(list(COLOURS))
    else:
        shape = source.choice(list(SHAPES))
    return shape_name(shape, colour)


def plain(name: Name) -> Name:
    """The name without its colour: `car` of `blue car`, `circle` of `red circle`; other names as they are."""
    if not name.exact:
        return name
    colour, _, noun = name.en.partition(" ")
    return replace(name, en=noun, zh=name.zh.removeprefix(COLOURS[colour].zh).removeprefix("的"), exact=False)
