"""Clips of named things: they move, come, go, grow, or change colour. Each story gives its frames and every question it can answer.

(talk, album, split, frames, size) -> Story(frames, found, names)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image
from recipes.nano.data import cast
from recipes.nano.data.colours import COLOURS, jittered
from recipes.nano.data.compose_scene import Item, Placed, drawn, paste, place
from recipes.nano.data.families.clip_talk import ClipTalk, Found, Frames
from recipes.nano.data.families.phrases_clips import SIZES, TELLS, WAYS
from recipes.nano.data.families.scene_tasks import forms
from recipes.nano.data.families.scenes import clear, items_of
from recipes.nano.data.names import Name, one
from recipes.nano.data.pictures import Album
from recipes.nano.data.sample import Split
from recipes.nano.data.shapes import shape_picture

Size = tuple[int, int]
_STEPS = {
    "left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1), "up left": (-1, -1), "up right": (1, -1), "down left": (-1, 1),
    "down right": (1, 1), "": (0, 0),
}  # fmt: skip


@dataclass(frozen=True)
class Story:
    """A finished clip. names: of all that appears in it."""

    frames: Frames
    found: list[Found]
    names: list[Name]


Teller = Callable[[ClipTalk, Album, Split, int, Size], Story | None]


def moves(talk: ClipTalk, pictures: Album, split: Split, count: int, size: Size) -> Story | None:
    """One to three things, each on a straight way of its own in its own strip of the picture."""
    source = talk.source
    number = source.choice((1, 1, 2, 2, 3))
    under, items = _actors(talk, pictures, split, number, size, 0.62 / number**0.6)
    across = source.random() < 0.5
    ways, tracks = [], []
    for place_of, item in enumerate(items):
        choices = (
            (("left", "right", "left", "right", "") if across else ("up", "down", "up", "down", "")) if number > 1 else tuple(_STEPS)
        )
        way = source.choice(choices)
        track = _track(source, way, item.picture.size, _strip(size, len(items), place_of, across), count)
        if track is None:
            return None
        ways.append(way)
        tracks.append(track)
    if not items:
        return None
    frames = [_frame(under, [(item.picture, track[k]) for item, track in zip(items, tracks, strict=True)]) for k in range(count)]
    names = [item.name for item in items]
    found = [talk.about("direction", name, WAYS[talk.language][way], way) for name, way in zip(names, ways, strict=True)]
    if ways.count("") == 1 and len(ways) > 1:
        found.append(talk.turn("still", {}, talk.single(names[ways.index("")]), names[ways.index("")].said(talk.language)))
    found += _faster(talk, names, tracks)
    found.append(talk.turn("happens", {}, _told(talk, names, ways), None))
    found.append(talk.turn("inside", {}, talk.several(names), None))
    return Story(frames, found, names)


def _told(talk: ClipTalk, names: Sequence[Name], ways: Sequence[str]) -> str:
    parts = []
    for name, way in zip(names, ways, strict=True):
        words = WAYS[talk.language][way].rstrip(".。")
        words = words[:1].lower() + words[1:]
        parts.append(TELLS[talk.language]["moves" if way else "still"].format(one=one(name, talk.language), way=words))
    return talk.stop(", and ".join(parts) if talk.language == "en" else "，".join(parts))


def _faster(talk: ClipTalk, names: Sequence[Name], tracks: Sequence[Sequence[tuple[int, int]]]) -> list[Found]:
    """Of two that both move, where one is more than twice as fast."""
    lengths = [max(abs(track[-1][axis] - track[0][axis]) for axis in (0, 1)) for track in tracks]
    if len(names) != 2 or min(lengths) == 0 or max(lengths) < 2 * min(lengths):
        return []
    first, second = names
    winner = names[lengths.index(max(lengths))]
    words = {"a": first.said(talk.language), "b": second.said(talk.language)}
    answer = f"The {winner.en}." if talk.language == "en" else f"{winner.zh}。"
    return [talk.turn("faster", words, answer, winner.said(talk.language))]


def _strip(size: Size, number: int, place_of: int, across: bool) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a thing's own part of the picture."""
    width, height = size
    if across:
        return 0, height * place_of // number, width, height * (place_of + 1) // number
    return width * place_of // number, 0, width * (place_of + 1) // number, height


def _track(source: random.Random, way: str, thing: Size, strip: tuple[int, int, int, int], count: int) -> list[tuple[int, int]] | None:
    """Corners of the thing in each frame; it goes at least a quarter of its free way, and so much that it is seen."""
    left, top, right, bottom = strip
    free = (right - left - thing[0] - 4, bottom - top - thing[1] - 2)
    if min(free) < 0:
        return None
    step = _STEPS[way]
    share = source.uniform(0.25, 1.0)
    reach = [free[axis] * share if step[axis] else 0.0 for axis in (0, 1)]
    if step[0] and step[1]:
        reach = [min(reach)] * 2
    if any(step[axis] and reach[axis] < 30 for axis in (0, 1)):
        return None
    start = [source.uniform(0, free[axis] - reach[axis]) + (reach[axis] if step[axis] < 0 else 0) for axis in (0, 1)]
    return [
        (
            round(left + 2 + start[0] + step[0] * reach[0] * k / (count - 1)),
            round(top + 1 + start[1] + step[1] * reach[1] * k / (count - 1)),
        )
        for k in range(count)
    ]


def comes(talk: ClipTalk, pictures: Album, split: Split, count: int, size: Size) -> Story | None:
    """Two to four things appear one after another and stay."""
    scene = _stage(talk, pictures, split, size)
    if scene is None:
        return None
    under, placed = scene
    starts = [0, *sorted(talk.source.sample(range(1, count), len(placed) - 1))]
    if talk.source.random() < 0.5:
        starts = sorted(talk.source.sample(range(1, count), len(placed)))
    frames = [drawn([each for each, start in zip(placed, starts, strict=True) if k >= start], under).image for k in range(count)]
    names = [each.item.name for each in placed]
    found = [
        talk.turn("first", {}, talk.single(names[0]), names[0].said(talk.language)),
        talk.turn("last", {}, talk.single(names[-1]), names[-1].said(talk.language)),
        talk.turn("order", {}, talk.in_turn(names), [name.said(talk.language) for name in names]),
        talk.turn("inside", {}, talk.several(names), None),
    ]
    found += [talk.about("when", name, talk.frame(start), start + 1) for name, start in zip(names, starts, strict=True)]
    return Story(frames, found, names)


def goes(talk: ClipTalk, pictures: Album, split: Split, count: int, size: Size) -> Story | None:
    """Of two to four things some disappear, one after another."""
    scene = _stage(talk, pictures, split, size)
    if scene is None:
        return None
    under, placed = scene
    going = talk.source.randint(1, len(placed) - 1)
    ends = sorted(talk.source.sample(range(2, count), going)) + [count] * (len(placed) - going)
    frames = [drawn([each for each, end in zip(placed, ends, strict=True) if k < end], under).image for k in range(count)]
    names = [each.item.name for each in placed]
    found = [
        talk.turn("gone", {}, talk.single(names[0]), names[0].said(talk.language)),
        talk.turn("left", {}, talk.several(names[going:]), [name.said(talk.language) for name in names[going:]]),
        talk.turn("inside", {}, talk.several(names), None),
    ]
    if going > 1:
        found.append(talk.turn("gone_order", {}, talk.in_turn(names[:going]), [name.said(talk.language) for name in names[:going]]))
    found += [talk.about("gone_when", names[k], talk.frame(ends[k]), ends[k] + 1) for k in range(going)]
    return Story(frames, found, names)


def counts(talk: ClipTalk, pictures: Album, split: Split, count: int, size: Size) -> Story | None:
    """The number of one thing changes from frame to frame, up or down."""
    source = talk.source
    under = cast.ground(source, size, split)
    kinds = [kind for kind in cast.kinds(source, pictures, split, 1, under) if kind.name.counted]
    most = source.randint(3, 9)
    items = items_of(source, pictures, split, kinds, [most], size)
    placed = place(source, items, size) if items else None
    if placed is None or not clear(drawn(placed, under)):
        return None
    low = source.randint(0, most - 2)
    changes = sorted(source.sample(range(1, count), min(most - low, count - 1)))
    numbers = [min(most, low + sum(k >= at for at in changes)) for k in range(count)]
    if source.random() < 0.5:
        numbers.reverse()
    frames = [drawn(placed[:number], under).image for number in numbers]
    name, some = kinds[0].name, source.randrange(1, count - 1)
    found = [
        talk.about("count_start", name, str(numbers[0]), numbers[0]),
        talk.about("count_end", name, str(numbers[-1]), numbers[-1]),
        talk.turn("count_frame", {**forms(name, talk.language), "n": str(some + 1)}, str(numbers[some]), numbers[some]),
    ]
    return Story(frames, found, [name])


def grows(talk: ClipTalk, pictures: Album, split: Split, count: int, size: Size) -> Story | None:
    """One thing gets larger or smaller in the middle of the picture."""
    under, items = _actors(talk, pictures, split, 1, size, 0.9)
    if not items:
        return None
    item, way = items[0], talk.source.choice(("larger", "smaller"))
    shares = [0.3 + 0.68 * k / (count - 1) for k in range(count)]
    if way == "smaller":
        shares.reverse()
    frames = []
    for share in shares:
        picture = item.picture.resize((round(item.picture.width * share), round(item.picture.height * share)), Image.Resampling.LANCZOS)
        frames.append(_frame(under, [(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))]))
    told = TELLS[talk.language][way].format(one=one(item.name, talk.language))
    found = [
        talk.about("size", item.name, SIZES[talk.language][way], way),
        talk.turn("happens", {}, talk.stop(told), None),
        talk.turn("inside", {}, talk.several([item.name]), None),
    ]
    return Story(frames, found, [item.name])


def turns_colour(talk: ClipTalk, pictures: Album, split: Split, count: int, size: Size) -> Story | None:
    """A shape takes two to four colours in turn, each for some frames."""
    source = talk.source
    under = cast.ground(source, size, split)
    first = cast.shape_kind(source, under)
    colours = [first.colour or "black"]
    for _ in range(40):
        candidate = cast.shape_kind(source, under).colour or "black"
        if candidate not in colours and not cast.close_colours(candidate, colours[-1]):
            colours.append(candidate)
    colours = colours[: source.randint(2, 4)]
    if len(colours) < 2:
        return None
    changes = sorted(source.sample(range(1, count), len(colours) - 1))
    cut = shape_picture(source, first.shape or "circle", colours[0], round(min(size) * source.uniform(0.3, 0.7)))
    corner = (source.randint(0, size[0] - cut.width), source.randint(0, size[1] - cut.height))
    frames = []
    for k in range(count):
        colour = colours[sum(k >= at for at in changes)]
        solid = Image.new("RGBA", cut.size, (*jittered(COLOURS[colour], random.Random(colour)), 255))
        solid.putalpha(cut.getchannel("A"))
        frames.append(_frame(under, [(solid, corner)]))
    noun = cast.plain(first.name)
    said = [COLOURS[colour].said(talk.language) for colour in colours]
    comma = ", " if talk.language == "en" else "、"
    found = [
        talk.about("colours", noun, talk.stop(comma.join(said)), said),
        talk.about("colour_end", noun, talk.stop(said[-1]), said[-1]),
    ]
    return Story(frames, found, [noun])


def _actors(talk: ClipTalk, pictures: Album, split: Split, number: int, size: Size, share: float) -> tuple[Image.Image, list[Item]]:
    """The ground, and so many different single things of about that share of the picture's side."""
    source = talk.source
    under = cast.ground(source, size, split)
    kinds = [kind for kind in cast.kinds(source, pictures, split, number, under) if kind.name.counted]
    sides = [max(28, round(min(size) * share * source.uniform(0.6, 0.95))) for _ in kinds]
    made = [cast.item(source, pictures, split, kind, side) for kind, side in zip(kinds, sides, strict=True)]
    return under, [item for item in made if item is not None and min(item.picture.size) >= 8]


def _stage(talk: ClipTalk, pictures: Album, split: Split, size: Size) -> tuple[Image.Image, list[Placed]] | None:
    """Two to four different things, placed."""
    under, items = _actors(talk, pictures, split, talk.source.randint(2, 4), size, 0.42)
    placed = place(talk.source, items, size) if len(items) >= 2 else None
    if placed is None or not clear(drawn(placed, under)):
        return None
    return under, placed


def _frame(under: Image.Image, pictures: Sequence[tuple[Image.Image, tuple[int, int]]]) -> Image.Image:
    canvas = under.convert("RGB").copy()
    for picture, corner in pictures:
        paste(canvas, picture, corner)
    return canvas


STORIES: dict[str, tuple[Teller, float]] = {
    "moves": (moves, 3.0),
    "comes": (comes, 2.0),
    "goes": (goes, 1.5),
    "counts": (counts, 1.5),
    "grows": (grows, 0.7),
    "turns_colour": (turns_colour, 1.0),
}
