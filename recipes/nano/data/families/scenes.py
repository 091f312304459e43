"""Family `scenes`: one to twelve named things and coloured shapes on a ground; questions ask what, where, how many, of which colour.

source -> size, ground -> kinds, numbers -> compose -> Scene -> 1 to 5 turns of different tasks -> Sample
"""

from __future__ import annotations

import random

from recipes.nano.data import cast
from recipes.nano.data.compose_scene import Arrangement, Item, Scene, compose
from recipes.nano.data.families.scene_tasks import Asked, turns
from recipes.nano.data.pictures import Album, album
from recipes.nano.data.sample import Language, Sample, Split

_MOST_THINGS = 12


class Scenes:
    """Pictures with named things. pictures: another album than the rendered sets."""

    name = "scenes"

    def __init__(self, pictures: Album | None = None) -> None:
        self._album = pictures

    def sample(self, source: random.Random, split: Split) -> Sample:
        """Raises MissingMaterial where the picture sets were not rendered."""
        pictures = self._album or album()
        language: Language = source.choice(("en", "zh"))
        scene = draw_scene(source, pictures, split)
        asked = Asked(scene, source, language, cast.absent(source, pictures, split, [thing.name for thing in scene.things]))
        found = turns(asked, source.choice((1, 2, 3, 3, 4, 5)))
        facts = {"objects": scene.facts(language), "turns": [{"task": task, **facts} for task, (_, facts) in found]}
        return Sample(
            family=self.name,
            task=found[0][0],
            language=language,
            images=(scene.image,),
            turns=tuple(turn for _, (turn, _) in found),
            facts=facts,
        )


def draw_scene(source: random.Random, pictures: Album, split: Split, *, most: int = _MOST_THINGS, longest: int = 900) -> Scene:
    """A scene of one to `most` things; tried again, smaller each time, until everything finds its place."""
    for attempt in range(20):
        size = size_of(source, longest)
        under = cast.ground(source, size, split)
        arrangement: Arrangement = source.choices(("free", "row", "column"), (0.72, 0.18, 0.1))[0] if most > 2 else "free"
        numbers = _numbers(source, arrangement, max(1, most - attempt))
        chosen = cast.kinds(source, pictures, split, len(numbers), under)
        items = items_of(source, pictures, split, chosen, numbers, size)
        scene = compose(source, items, under, arrangement=arrangement) if items else None
        if scene is not None and clear(scene):
            return scene
    raise RuntimeError("found no room for a scene in twenty tries")


def size_of(source: random.Random, longest: int) -> tuple[int, int]:
    width = source.choice((224, 320, 448, 448, 512, 640, 800, 900))
    height = round(width * source.choice((0.6, 0.75, 0.75, 1, 1, 1, 1.33)))
    scale = min(1.0, longest / max(width, height))
    return max(224, round(width * scale)), max(224, round(height * scale))


def _numbers(source: random.Random, arrangement: Arrangement, most: int) -> list[int]:
    """How many of each kind: one thing alone, several single things, or a crowd to count."""
    if most == 1 or source.random() < 0.15:
        return [1]
    if arrangement != "free":
        return [1] * source.randint(min(3, most), min(6, most))
    kinds = source.randint(1, 5)
    numbers = [source.choice((1, 1, 1, 2, 3)) for _ in range(kinds)]
    if source.random() < 0.45:
        numbers[0] = source.randint(2, 10)
    while sum(numbers) > most:
        largest = numbers.index(max(numbers))
        numbers[largest] -= 1
    return [number for number in numbers if number]


def items_of(
    source: random.Random, pictures: Album, split: Split, chosen: list[cast.Kind], numbers: list[int], size: tuple[int, int]
) -> list[Item]:
    """Pictures of so many things of each kind, of sizes that should find room, in random order."""
    total = sum(numbers)
    side = min(size) * (0.62 if total == 1 else min(0.45, 0.95 / total**0.62))
    items = []
    for kind, number in zip(chosen, numbers, strict=False):
        own = side * source.uniform(0.6, 1.3)
        for _ in range(number if kind.name.counted else 1):
            item = cast.item(source, pictures, split, kind, max(30, round(own * source.uniform(0.85, 1.15))))
            if item is not None:
                items.append(item)
    source.shuffle(items)
    return items


def clear(scene: Scene) -> bool:
    """Nothing has become too small to be known."""
    return all(thing.longer >= 24 and min(thing.box[2] - thing.box[0], thing.box[3] - thing.box[1]) >= 6 for thing in scene.things)
