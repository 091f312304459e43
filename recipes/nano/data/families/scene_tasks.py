"""Questions about a scene and their true answers: one function a task, each giving a turn or nothing where the task does not apply.

    Asked(scene, source, language, names that are absent) -> TASKS[task] -> (question, answer, facts)

Places and sizes are only asked about where they are clear to the eye.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from recipes.nano.data.cast import plain
from recipes.nano.data.colours import COLOURS
from recipes.nano.data.compose_scene import Scene, Thing
from recipes.nano.data.families.phrases_scenes import (
    ABSENT,
    ENDS,
    MOSTS,
    NO,
    NO_TEXT,
    ORDINALS,
    PHRASES,
    REGION_ANSWERS,
    REGIONS,
    RIGHT,
    SIDE_ANSWERS,
    SIDES,
    WRONG,
    YES,
)
from recipes.nano.data.names import Name, confusable, listed, measure, one, plural, sentence_case, several
from recipes.nano.data.sample import Language, Turn

Found = tuple[Turn, dict[str, Any]]
_OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
# A place counts as clear this far (in thousandths) from the lines that cut the picture in three.
_CLEAR = 35
_LARGER = 1.8


@dataclass(frozen=True)
class Asked:
    """A scene, who asks in which language, and what is certainly not in it."""

    scene: Scene
    source: random.Random
    language: Language
    absent: Name | None = None

    @property
    def single(self) -> list[Thing]:
        """Things that are the only ones of their name, and one."""
        counts = Counter(thing.name.en for thing in self.scene.things)
        return [thing for thing in self.scene.things if counts[thing.name.en] == 1 and thing.name.counted]

    def ask(self, task: str, **filled: str) -> str:
        return self.source.choice(PHRASES[self.language][task]).format(**filled)

    def the(self, name: Name) -> str:
        return name.said(self.language)

    def naming(self, thing: Thing) -> str:
        """`A red apple.`, `红苹果。`"""
        return sentence_case(one(thing.name, "en")) + "." if self.language == "en" else f"{thing.name.zh}。"

    def pair(self) -> tuple[Thing, Thing] | None:
        return tuple(self.source.sample(self.single, 2)) if len(self.single) >= 2 else None  # type: ignore[return-value]


def forms(name: Name, language: Language) -> dict[str, str]:
    """What the phrasings put in place of {the}, {many}, {one}, {m}."""
    many = plural(name.en) if name.counted else name.en
    return {"the": name.said(language), "many": many, "one": one(name, language), "m": measure(name)}


def caption(asked: Asked) -> Found:
    return Turn(question=asked.ask("caption"), answer=summary(asked.scene, asked.language)), {}


def summary(scene: Scene, language: Language) -> str:
    """`Three dogs, a red apple and grapes.`"""
    counts = Counter(thing.name.en for thing in scene.things)
    names = {thing.name.en: thing.name for thing in scene.things}
    parts = [several(names[en], count, language) for en, count in sorted(counts.items(), key=lambda pair: -pair[1])]
    return sentence_case(listed(parts, language)) + ("." if language == "en" else "。")


def detail(asked: Asked) -> Found | None:
    places = [region(asked.scene, thing) for thing in asked.scene.things]
    if len(places) < 2 or len(places) > 6 or None in places:
        return None
    parts = []
    for thing, place in zip(asked.scene.things, places, strict=True):
        where = REGIONS[asked.language][place or 0]
        if asked.language == "zh":
            parts.append(f"{where}是{one(thing.name, 'zh')}")
        else:
            parts.append(f"{one(thing.name, 'en')} {REGION_ANSWERS['en'][place or 0][:-1].lower()}")
    text = sentence_case(", ".join(parts) + ".") if asked.language == "en" else "，".join(parts) + "。"
    return Turn(question=asked.ask("detail"), answer=text), {}


def name_it(asked: Asked) -> Found | None:
    if len(asked.scene.things) != 1:
        return None
    thing = asked.scene.things[0]
    return Turn(question=asked.ask("name"), answer=asked.naming(thing)), {"value": asked.the(thing.name)}


def count(asked: Asked) -> Found | None:
    """Of one name, or of all colours of a thing; sometimes of what is not there."""
    if asked.absent is not None and asked.source.random() < 0.15:
        chosen, number = asked.absent, 0
    else:
        names = [name for thing in asked.scene.things for name in (thing.name, plain(thing.name)) if name.counted]
        repeated = [name for name in names if names.count(name) > 1]
        if not names:
            return None
        names = repeated if repeated and asked.source.random() < 0.7 else names
        chosen = asked.source.choice(names)
        number = sum(chosen.en in (thing.name.en, plain(thing.name).en) for thing in asked.scene.things)
    return Turn(question=asked.ask("count", **forms(chosen, asked.language)), answer=str(number)), {"value": number}


def total(asked: Asked) -> Found | None:
    if len(asked.scene.things) < 2 or any(not thing.name.counted for thing in asked.scene.things):
        return None
    number = len(asked.scene.things)
    return Turn(question=asked.ask("total"), answer=str(number)), {"value": number}


def animals(asked: Asked) -> Found | None:
    """Only where nothing else looks like one."""
    if any(thing.name.kind in {"person", "body part"} or thing.name.words & _LIKE_ANIMALS for thing in asked.scene.things):
        return None
    number = sum(thing.name.animal for thing in asked.scene.things)
    return Turn(question=asked.ask("animals"), answer=str(number)), {"value": number}


_LIKE_ANIMALS = frozenset({"bear", "duck", "dragon", "mouse", "unicorn", "phoenix", "fish", "shrimp", "chicken", "alien", "robot"})


def locate(asked: Asked) -> Found | None:
    if not asked.single:
        return None
    thing = asked.source.choice(asked.single)
    mark = f"<ref>{'the ' if asked.language == 'en' else ''}{asked.the(thing.name)}</ref>"
    box = asked.scene.marked([thing])
    question = asked.ask("locate", **forms(thing.name, asked.language))
    return Turn(question=question, answer=f"{mark}{box}"), {"boxes": [list(asked.scene.thousandths(thing.box))]}


def locate_all(asked: Asked) -> Found | None:
    counts = Counter(thing.name.en for thing in asked.scene.things if thing.name.counted)
    several_of = [en for en, number in counts.items() if number > 1]
    if not several_of:
        return None
    chosen = asked.source.choice(several_of)
    things = [thing for thing in asked.scene.things if thing.name.en == chosen]
    things.sort(key=lambda thing: (thing.box[0], thing.box[1]))
    words = forms(things[0].name, asked.language)
    said = words["many"] if asked.language == "en" else words["the"]
    boxes = [list(asked.scene.thousandths(thing.box)) for thing in things]
    answer = f"<ref>{said}</ref>{asked.scene.marked(things)}"
    return Turn(question=asked.ask("locate_all", **words), answer=answer), {"boxes": boxes}


def box(asked: Asked) -> Found:
    thing = asked.source.choice(asked.scene.things)
    question = asked.ask("box", box=asked.scene.marked([thing]))
    return Turn(question=question, answer=asked.naming(thing)), {"value": asked.the(thing.name)}


def colour(asked: Asked) -> Found | None:
    """Asked by the name without a colour, which must be the only such thing."""
    nouns = Counter(plain(thing.name).en for thing in asked.scene.things)
    clear = [thing for thing in asked.scene.things if thing.colour and nouns[plain(thing.name).en] == 1 and thing.name.counted]
    clear = [thing for thing in clear if not set(plain(thing.name).en.split()) & set(COLOURS)]
    if not clear:
        return None
    thing = asked.source.choice(clear)
    value = COLOURS[thing.colour or ""].said(asked.language)
    question = asked.ask("colour", **forms(plain(thing.name), asked.language))
    return Turn(question=question, answer=f"{value.capitalize()}." if asked.language == "en" else f"{value}。"), {"value": value}


def position(asked: Asked) -> Found | None:
    clear = [(thing, place) for thing in asked.single if (place := region(asked.scene, thing)) is not None]
    if not clear:
        return None
    thing, place = asked.source.choice(clear)
    question = asked.ask("position", **forms(thing.name, asked.language))
    return Turn(question=question, answer=REGION_ANSWERS[asked.language][place]), {"value": REGIONS["en"][place]}


def region(scene: Scene, thing: Thing) -> int | None:
    """0 to 8 from the top left, or None when the middle of the thing is near a border of these."""
    parts = []
    for place, side in zip(thing.centre, scene.image.size, strict=True):
        share = 1000 * place / side
        if min(abs(share - 333), abs(share - 667)) < _CLEAR:
            return None
        parts.append(0 if share < 333 else 1 if share < 667 else 2)
    return 3 * parts[1] + parts[0]


def side_of(first: Thing, second: Thing) -> str | None:
    """On which side of the second the first is, where that is clear."""
    (ax, ay), (bx, by) = first.centre, second.centre
    dx, dy = ax - bx, ay - by
    if abs(dx) > 1.7 * abs(dy) and (first.box[2] <= second.box[0] or second.box[2] <= first.box[0]):
        return "left" if dx < 0 else "right"
    if abs(dy) > 1.7 * abs(dx) and (first.box[3] <= second.box[1] or second.box[3] <= first.box[1]):
        return "above" if dy < 0 else "below"
    return None


def relation(asked: Asked) -> Found | None:
    pair = asked.pair()
    side = side_of(*pair) if pair else None
    if pair is None or side is None:
        return None
    question = asked.ask("relation", a=asked.the(pair[0].name), b=asked.the(pair[1].name))
    return Turn(question=question, answer=SIDE_ANSWERS[asked.language][side]), {"value": side}


def relation_check(asked: Asked) -> Found | None:
    pair = asked.pair()
    side = side_of(*pair) if pair else None
    if pair is None or side is None:
        return None
    true = asked.source.random() < 0.5
    said = SIDES[asked.language][side if true else _OPPOSITE[side]]
    question = asked.ask("relation_check", a=asked.the(pair[0].name), b=asked.the(pair[1].name), side=said)
    return Turn(question=question, answer=(RIGHT if true else WRONG)[asked.language]), {"value": true}


def between(asked: Asked) -> Found | None:
    """In a row or a column, of neighbours but one."""
    things = asked.scene.things
    if asked.scene.arrangement == "free" or len(things) < 3:
        return None
    start = asked.source.randrange(len(things) - 2)
    first, middle, last = things[start : start + 3]
    if first not in asked.single or last not in asked.single:
        return None
    question = asked.ask("between", a=asked.the(first.name), b=asked.the(last.name))
    return Turn(question=question, answer=asked.naming(middle)), {"value": asked.the(middle.name)}


def order(asked: Asked) -> Found | None:
    if asked.scene.arrangement == "free" or len(asked.scene.things) < 3:
        return None
    ends = ("left", "right") if asked.scene.arrangement == "row" else ("above", "below")
    end = asked.source.choice(ends)
    things = asked.scene.things if end == ends[0] else asked.scene.things[::-1]
    number = asked.source.randrange(len(things))
    question = asked.ask("order", nth=ORDINALS[asked.language][number], end=ENDS[asked.language][end])
    return Turn(question=question, answer=asked.naming(things[number])), {"value": asked.the(things[number].name)}


def extreme(asked: Asked) -> Found | None:
    """What is furthest to one side, by a clear margin."""
    if len(asked.scene.things) < 3:
        return None
    side = asked.source.choice(("left", "right", "above", "below"))
    axis, sign = (0 if side in {"left", "right"} else 1), (1 if side in {"left", "above"} else -1)
    ranked = sorted(asked.scene.things, key=lambda thing: sign * thing.centre[axis])
    room = 0.08 * asked.scene.image.size[axis]
    edge = axis if sign == 1 else axis + 2
    clear = sign * (ranked[1].centre[axis] - ranked[0].centre[axis]) > room
    if not clear or sign * (ranked[1].box[edge] - ranked[0].box[edge]) <= 0:
        return None
    question = asked.ask("extreme", most=MOSTS[asked.language][side])
    return Turn(question=question, answer=asked.naming(ranked[0])), {"value": asked.the(ranked[0].name)}


def size(asked: Asked) -> Found | None:
    pair = asked.pair()
    if pair is None:
        return None
    larger, smaller = sorted(pair, key=lambda thing: -thing.area)
    if larger.area < _LARGER * smaller.area or larger.longer < 1.3 * smaller.longer:
        return None
    task, right = asked.source.choice((("size", larger), ("size_small", smaller)))
    question = asked.ask(task, a=asked.the(pair[0].name), b=asked.the(pair[1].name))
    answer = f"The {right.name.en}." if asked.language == "en" else f"{right.name.zh}。"
    return Turn(question=question, answer=answer), {"value": asked.the(right.name)}


def exists(asked: Asked) -> Found | None:
    """Yes or no, evenly."""
    if asked.source.random() < 0.5 and asked.absent is not None:
        name, there = asked.absent, False
    else:
        things = [thing for thing in asked.scene.things if thing.name.counted]
        if not things:
            return None
        name, there = asked.source.choice(things).name, True
    question = asked.ask("exists", **forms(name, asked.language))
    return Turn(question=question, answer=(YES if there else NO)[asked.language]), {"value": there}


def refused(asked: Asked) -> Found | None:
    """Where or of what colour something is that is not there."""
    name = asked.absent
    if name is None or not name.counted:
        return None
    noun = plain(name)
    if any(confusable(noun, plain(thing.name)) for thing in asked.scene.things):
        noun = name
    task = asked.source.choice(("locate", "position") if noun is name and name.exact else ("locate", "position", "colour"))
    return Turn(question=asked.ask(task, **forms(noun, asked.language)), answer=ABSENT[asked.language]), {"value": None}


def no_text(asked: Asked) -> Found | None:
    """Only among things that never carry letters."""
    if not all(thing.name.wordless for thing in asked.scene.things):
        return None
    return Turn(question=asked.ask("no_text"), answer=NO_TEXT[asked.language]), {"value": None}


TASKS: dict[str, Callable[[Asked], Found | None]] = {
    "caption": caption,
    "detail": detail,
    "name": name_it,
    "count": count,
    "total": total,
    "animals": animals,
    "locate": locate,
    "locate_all": locate_all,
    "box": box,
    "colour": colour,
    "position": position,
    "relation": relation,
    "relation_check": relation_check,
    "between": between,
    "order": order,
    "extreme": extreme,
    "size": size,
    "exists": exists,
    "refused": refused,
    "no_text": no_text,
}
WEIGHTS: dict[str, float] = {
    "caption": 3,
    "detail": 3,
    "name": 5,
    "count": 5,
    "total": 1,
    "animals": 1,
    "locate": 4,
    "locate_all": 2,
    "box": 3,
    "colour": 3,
    "position": 2,
    "relation": 3.5,
    "relation_check": 2,
    "between": 5,
    "order": 6,
    "extreme": 1.5,
    "size": 4,
    "exists": 2.5,
    "refused": 2,
    "no_text": 0.6,
}


def turns(asked: Asked, wanted: int, tasks: Sequence[str] = tuple(TASKS)) -> list[tuple[str, Found]]:
    """So many questions of different tasks, by weight, or fewer where no more apply."""
    left, found = list(tasks), []
    while left and len(found) < wanted:
        task = asked.source.choices(left, [WEIGHTS[each] for each in left])[0]
        left.remove(task)
        turn = TASKS[task](asked)
        if turn is not None:
            found.append((task, turn))
    return found
