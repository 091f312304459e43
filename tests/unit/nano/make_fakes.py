"""Small families for the tests of the generator; worker processes import them by name."""

from __future__ import annotations

import importlib
import random

import PIL.Image
from recipes.nano.data.sample import MissingMaterial, Sample, Split, Turn

FAKES = {
    "flat": "make_fakes:Flat",
    "noise": "make_fakes:Noise",
    "clip": "make_fakes:Clip",
    "words": "make_fakes:Words",
    "poor": "make_fakes:Poor",
    "broken": "make_fakes:Broken",
    "late": "make_fakes:Late",
}


class Flat:
    """One picture of one colour; its question names a box."""

    name = "flat"

    def sample(self, source: random.Random, split: Split) -> Sample:
        colour = tuple(source.randrange(256) for _ in range(3))
        turn = Turn(question="Where is <ref>it</ref>?", answer="<ref>it</ref><box>[[0, 0, 1000, 1000]]</box>")
        image = PIL.Image.new("RGB", (source.randint(40, 90), 64), colour)
        return Sample(family="flat", task="box", language="en", images=(image,), turns=(turn, turn), facts={"colour": list(colour)})


class Noise:
    """Two pictures of noise."""

    name = "noise"

    def sample(self, source: random.Random, split: Split) -> Sample:
        images = tuple(PIL.Image.frombytes("RGB", (48, 48), source.randbytes(48 * 48 * 3)) for _ in range(2))
        turn = Turn(question="哪张更亮？", answer="第一张。")
        return Sample(family="noise", task="compare", language="zh", images=images, turns=(turn,))


class Clip:
    """Three stills of a clip."""

    name = "clip"

    def sample(self, source: random.Random, split: Split) -> Sample:
        images = tuple(PIL.Image.new("L", (32, 32), 80 * number) for number in range(3))
        turn = Turn(question="What happens?", answer="It gets brighter.")
        return Sample(family="clip", task="video", language="en", images=images, turns=(turn,), is_video=True)


class Words:
    """No picture."""

    name = "words"

    def sample(self, source: random.Random, split: Split) -> Sample:
        turn = Turn(question=f"Say {source.randint(0, 10**6)}", answer="No.")
        return Sample(family="words", task="talk", language="en", images=(), turns=(turn,))


class Poor:
    """Has nothing to draw with."""

    name = "poor"

    def sample(self, source: random.Random, split: Split) -> Sample:
        raise MissingMaterial("no brush: buy one")


class Broken:
    """Fails now and then."""

    name = "broken"

    def sample(self, source: random.Random, split: Split) -> Sample:
        if source.random() < 0.3:
            raise ZeroDivisionError("a slip")
        return Words().sample(source, split)


class Late:
    """Finds out only while drawing that a library is absent."""

    name = "late"

    def sample(self, source: random.Random, split: Split) -> Sample:
        importlib.import_module("another_absent_library")
        return Words().sample(source, split)
