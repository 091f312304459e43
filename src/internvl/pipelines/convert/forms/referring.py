"""A phrase and the box of what it means, asked for in either direction.

"... this sentence describes: <ref>phrase</ref>" -> "<ref>phrase</ref><box>[[...]]</box>"     locate
"... for this region: <box>[[...]]</box>" -> "phrase"                                          describe
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.boxes import Box, marked, plain, ref, thousandths
from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.phrasing import LOCATE, REGION
from internvl.pipelines.convert.sample import Outcome, Place, Sample, asked

ASKS = ("locate", "describe", "both")


def referring_samples(place: Place, image: str, phrase: str, box: Box, size: tuple[int, int], inputs: Inputs) -> Iterator[Outcome]:
    """One sample, or with `both` one in each direction. Raises Refused for a box or a phrase that can't be used."""
    phrase, inside, ask = " ".join(plain(phrase).split()), thousandths(box, size), inputs.settings.ask or ASKS[0]
    language = inputs.settings.language
    if ask != "describe":
        turns = asked(f"{LOCATE[language]}<ref>{phrase}</ref>", ref(phrase, [inside]))
        yield Sample(place=place, turns=turns, image=image, size=size)
    if ask != "locate":
        yield Sample(place=place, turns=asked(REGION[language] + marked([inside]), phrase), image=image, size=size)
