"""Family `pairs`: two to four pictures at once: alike or not, what changed, which has more, which shows a thing, in what order.

source -> one scene and its changed copy, or several scenes from one pool of things -> 1 to 4 turns -> Sample
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from recipes.nano.data import cast
from recipes.nano.data.compose_scene import Scene, compose
from recipes.nano.data.families.pair_change import Changed, change
from recipes.nano.data.families.phrases_pairs import (
    ALIKE,
    CHANGES,
    IN_NONE,
    NOTHING_CHANGED,
    PHRASES,
    SAME_KIND,
    SAME_NUMBER,
    WAYS,
)
from recipes.nano.data.families.scene_tasks import forms, summary
from recipes.nano.data.families.scenes import clear, items_of, size_of
from recipes.nano.data.names import Name, confusable, listed, one, sentence_case
from recipes.nano.data.pictures import Album, album
from recipes.nano.data.sample import Language, Sample, Split, Turn

Found = tuple[str, Turn, dict[str, Any]]
_LONGEST = 560


class Pairs:
    """Questions over several pictures. pictures: another album than the rendered sets."""

    name = "pairs"

    def __init__(self, pictures: Album | None = None) -> None:
        self._album = pictures

    def sample(self, source: random.Random, split: Split) -> Sample:
        """Raises MissingMaterial where the picture sets were not rendered."""
        pictures = self._album or album()
        language: Language = source.choice(("en", "zh"))
        talk = Talk(source, language)
        way = source.choices(("changed", "kind", "set"), (0.4, 0.12, 0.48))[0]
        if way == "changed":
            made = change(source, pictures, split, _LONGEST)
            scenes, found = [made.before, made.after], talk.about_change(made)
        elif way == "kind":
            scenes, same = _two_kinds(source, pictures, split)
            found = [talk.turn("kind", {}, SAME_KIND[language][not same], same)]
        else:
            scenes, missing = _set(source, pictures, split)
            found = Talk(source, language, missing).about_set(scenes)
        return Sample(
            family=self.name,
            task=found[0][0],
            language=language,
            images=tuple(scene.image for scene in scenes),
            turns=tuple(turn for _, turn, _ in found),
            facts={
                "objects": [scene.facts(language) for scene in scenes],
                "turns": [{"task": task, **facts} for task, _, facts in found],
            },
        )


def _two_kinds(source: random.Random, pictures: Album, split: Split) -> tuple[list[Scene], bool]:
    """One thing each: two drawings of one name, or two names."""
    same = source.random() < 0.5
    for _ in range(200):
        size = size_of(source, _LONGEST)
        first, second = pictures.pick(source, split), pictures.pick(source, split)
        if first is None or second is None:
            continue
        if same:
            second = source.choice(list(pictures.namesakes(first.name, split)))
        if not same and confusable(first.name, second.name):
            continue
        scenes = []
        for drawing in (first, second):
            kind = cast.Kind(drawing.name, drawing, colour=drawing.colour)
            items = items_of(source, pictures, split, [kind], [1], size)
            scenes.append(compose(source, items, cast.ground(source, size, split)))
        if None not in scenes:
            return scenes, same  # type: ignore[return-value]
    raise RuntimeError("found no two things to compare")


def _set(source: random.Random, pictures: Album, split: Split) -> tuple[list[Scene], Name | None]:
    """Two to four scenes from one pool of kinds, and the name of something in none of them."""
    for attempt in range(30):
        size = size_of(source, _LONGEST)
        number = source.choice((2, 2, 3, 4))
        under = cast.ground(source, size, split)
        pool = cast.kinds(source, pictures, split, source.randint(2, 5), under)
        scenes = []
        for _ in range(number):
            chosen = source.sample(pool, min(len(pool), source.randint(1, 3)))
            numbers = [source.choice((1, 1, 2, 3, 4)) for _ in chosen]
            ground = under if source.random() < 0.5 or any(kind.shape for kind in chosen) else cast.ground(source, size, split)
            scenes.append(compose(source, items_of(source, pictures, split, chosen, numbers, size), ground))
        if all(scene is not None and scene.things and clear(scene) for scene in scenes) or attempt == 29:
            whole = [scene for scene in scenes if scene is not None]
            return whole, cast.absent(source, pictures, split, [kind.name for kind in pool])
    raise RuntimeError("found no room for a set of scenes")


class Talk:
    """Turns about several pictures in one language. missing: something that none of them shows."""

    def __init__(self, source: random.Random, language: Language, missing: Name | None = None) -> None:
        self._source = source
        self._language = language
        self._missing = missing

    def turn(self, task: str, words: dict[str, str], answer: str, value: Any) -> Found:
        question = self._source.choice(PHRASES[self._language][task]).format(**words)
        return task, Turn(question=question, answer=answer), {"value": value}

    def about_change(self, made: Changed) -> list[Found]:
        same = made.how is None
        turns = [
            self.turn("same", {}, ALIKE[self._language][not same], same),
            self.turn("changed", {}, self._change(made), made.how),
        ]
        self._source.shuffle(turns)
        found = turns[: self._source.randint(1, 2)]
        if self._source.random() < 0.4:
            found.append(self._inside([made.before, made.after]))
        return found

    def _change(self, made: Changed) -> str:
        if made.how is None:
            return NOTHING_CHANGED[self._language]
        words = {"the": made.name.said(self._language), "one": one(made.name, self._language)}
        words |= {"One": sentence_case(words["one"]), "way": WAYS[self._language].get(made.way, "")}
        if made.other is not None:
            words["other"] = one(made.other, self._language)
        if made.colours is not None:
            before, after = made.colours
            words |= {"noun": cast.plain(made.name).said(self._language), "before": before.said(self._language)}
            words["after"] = after.said(self._language)
        return self._source.choice(CHANGES[self._language][made.how]).format(**words)

    def about_set(self, scenes: Sequence[Scene]) -> list[Found]:
        makers = [self._more, self._shows, self._inside, self._each, self._count, self._sum, self._common, self._sort, self._locate]
        weights = [2.0, 3.0, 1.5, 1.0, 2.0, 1.0, 1.5, 1.5, 1.5]
        wanted, found = self._source.choice((1, 2, 3, 3, 4)), []
        while makers and len(found) < wanted:
            chosen = self._source.choices(range(len(makers)), weights)[0]
            maker = makers.pop(chosen)
            weights.pop(chosen)
            made = maker(scenes)
            if made is not None:
                found.append(made)
        return found

    def _names(self, scenes: Sequence[Scene]) -> list[Name]:
        """Everything that can be counted, each once."""
        names = {thing.name.en: thing.name for scene in scenes for thing in scene.things if thing.name.counted}
        return [names[en] for en in sorted(names)]

    def _more(self, scenes: Sequence[Scene]) -> Found | None:
        names = self._names(scenes)
        if len(scenes) != 2 or not names:
            return None
        name = self._source.choice(names)
        first, second = (number_of(scene, name) for scene in scenes)
        task = self._source.choice(("more", "more", "fewer"))
        if first == second:
            return self.turn(task, forms(name, self._language), SAME_NUMBER[self._language], "same")
        winner = 1 if (first > second) == (task == "more") else 2
        return self.turn(task, forms(name, self._language), self._images([winner]), winner)

    def _shows(self, scenes: Sequence[Scene]) -> Found | None:
        names, missing = self._names(scenes), self._missing
        if missing is not None and (not names or self._source.random() < 0.25):
            return self.turn("shows", forms(missing, self._language), IN_NONE[self._language], [])
        if not names:
            return None
        name = self._source.choice(names)
        where = [number for number, scene in enumerate(scenes, start=1) if number_of(scene, name)]
        return self.turn("shows", forms(name, self._language), self._images(where), where)

    def _inside(self, scenes: Sequence[Scene]) -> Found:
        number = self._source.randint(1, len(scenes))
        text = summary(scenes[number - 1], self._language)
        return self.turn("inside", {"n": str(number)}, text, text)

    def _each(self, scenes: Sequence[Scene]) -> Found:
        colon, space = (": ", " ") if self._language == "en" else ("：", "")
        text = space.join(f"Image-{n}{colon}{summary(scene, self._language)}" for n, scene in enumerate(scenes, start=1))
        return self.turn("each", {}, text, text)

    def _count(self, scenes: Sequence[Scene]) -> Found | None:
        names = self._names(scenes)
        if not names:
            return None
        name, number = self._source.choice(names), self._source.randint(1, len(scenes))
        value = number_of(scenes[number - 1], name)
        return self.turn("count", {**forms(name, self._language), "n": str(number)}, str(value), value)

    def _sum(self, scenes: Sequence[Scene]) -> Found | None:
        names = self._names(scenes)
        if not names:
            return None
        name = self._source.choice(names)
        value = sum(number_of(scene, name) for scene in scenes)
        return self.turn("sum", forms(name, self._language), str(value), value)

    def _common(self, scenes: Sequence[Scene]) -> Found | None:
        """Only where the two share exactly one name."""
        if len(scenes) != 2:
            return None
        first, second = ({thing.name.en: thing.name for thing in scene.things} for scene in scenes)
        shared = [first[en] for en in first if en in second]
        if len(shared) != 1:
            return None
        text = sentence_case(one(shared[0], "en")) + "." if self._language == "en" else f"{shared[0].zh}。"
        return self.turn("common", {}, text, shared[0].said(self._language))

    def _sort(self, scenes: Sequence[Scene]) -> Found | None:
        for name in self._names(scenes):
            numbers = [number_of(scene, name) for scene in scenes]
            if len(scenes) > 2 and len(set(numbers)) == len(numbers):
                order = sorted(range(1, len(scenes) + 1), key=lambda number: numbers[number - 1])
                comma, stop = (", ", ".") if self._language == "en" else ("、", "。")
                return self.turn("sort", forms(name, self._language), comma.join(f"Image-{n}" for n in order) + stop, order)
        return None

    def _locate(self, scenes: Sequence[Scene]) -> Found | None:
        number = self._source.randint(1, len(scenes))
        scene = scenes[number - 1]
        single = [thing for thing in scene.things if thing.name.counted and number_of(scene, thing.name) == 1]
        if not single:
            return None
        thing = self._source.choice(single)
        mark = f"<ref>{'the ' if self._language == 'en' else ''}{thing.name.said(self._language)}</ref>"
        words = {**forms(thing.name, self._language), "n": str(number)}
        return self.turn("locate", words, f"{mark}{scene.marked([thing])}", list(scene.thousandths(thing.box)))

    def _images(self, numbers: Sequence[int]) -> str:
        text = listed([f"Image-{number}" for number in numbers], self._language)
        return f"{text}." if self._language == "en" else f"{text}。"


def number_of(scene: Scene, name: Name) -> int:
    return sum(thing.name.en == name.en for thing in scene.things)
