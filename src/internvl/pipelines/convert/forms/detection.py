"""Detection as a conversation: all objects of a picture, those of one category in one mark with all their boxes.

(name, box), ... --thousandths, grouped--> "Sure, I will ...\\n\\n```\\n<ref>dog</ref><box>[[...], [...]]</box>\\n...\\n```\\n"

Categories stand in the order in which the file first names them. A box that can't be used is left out and listed; the other objects
of its picture stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from internvl.pipelines.convert.boxes import Box, Thousandths, ref, thousandths
from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.phrasing import DETECT, DETECTED
from internvl.pipelines.convert.sample import Outcome, Place, Refusal, Refused, Sample, asked


def detection_sample(
    place: Place, image: str, size: tuple[int, int], objects: Iterable[tuple[Place, str, Box]], inputs: Inputs
) -> Iterator[Outcome]:
    """The picture's sample behind a Refusal for each box that can't be used. objects: where it stands, its name, its box."""
    groups: dict[str, list[Thousandths]] = {}
    for where, name, box in objects:
        try:
            groups.setdefault(inputs.name(name), []).append(thousandths(box, size))
        except Refused as error:
            yield Refusal(where, str(error))
    filled = {name: boxes for name, boxes in groups.items() if boxes}
    if not filled:
        yield Refusal(place, f"no objects: {image} has no usable box")
        return
    try:
        answer = detection_answer(filled, inputs.settings.language)
    except Refused as error:
        yield Refusal(place, str(error))
        return
    yield Sample(place=place, turns=asked(inputs.question(DETECT, place), answer), image=image, size=size)


def detection_answer(groups: dict[str, list[Thousandths]], language: str) -> str:
    """The released answer: a line for each category."""
    lines = "\n".join(ref(name, boxes) for name, boxes in groups.items())
    return f"{DETECTED[language]}\n\n```\n{lines}\n```\n"
