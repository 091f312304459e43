"""GRIT (Peng et al. 2023): captions of COYO with boxes for their noun phrases, downloaded with img2dataset.

Reads Parquet: caption, key, status, width, height, noun_chunks and ref_exps, both lists of [start, end, x1, y1, x2, y2, score]
with character places in the caption and corners from 0 to 1; a text that holds such a list as JSON is read too. `ground` marks
the noun phrases in the caption, `caption` leaves the boxes out, `detect` lists the phrases, `locate` asks for each referring
expression. Phrases that overlap an earlier one are left out of `ground`. Captions and phrases are English; Chinese ones need
translation or --names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from internvl.pipelines.convert.boxes import Box, Thousandths, from_corners, plain, ref, thousandths
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.captions import caption_sample
from internvl.pipelines.convert.forms.detection import detection_sample
from internvl.pipelines.convert.forms.img2dataset import picture_of
from internvl.pipelines.convert.forms.referring import referring_samples
from internvl.pipelines.convert.phrasing import GROUND
from internvl.pipelines.convert.reading import parquet_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refused, Sample, asked

ASKS = ("ground", "caption", "detect", "locate")


class _Phrase(NamedTuple):
    """A stretch of the caption and what it means."""

    start: int
    end: int
    box: Box


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".parquet"):
        yield from by_row(parquet_rows(path, ("key", "caption", "noun_chunks")), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    image, caption, size = picture_of(row, inputs), row.fields.get("caption"), row.size()
    if not isinstance(caption, str) or size is None:
        raise Refused("missing field: caption, width and height are needed")
    ask = inputs.settings.ask or ASKS[0]
    if ask == "caption":
        yield caption_sample(row.place, image, caption, inputs, size=size)
    elif ask == "locate":
        for phrase in _phrases(row, "ref_exps", caption, size):
            yield from referring_samples(row.place, image, caption[phrase.start : phrase.end], phrase.box, size, inputs)
    elif ask == "detect":
        objects = [(row.place, caption[each.start : each.end], each.box) for each in _phrases(row, "noun_chunks", caption, size)]
        yield from detection_sample(row.place, image, size, objects, inputs)
    else:
        answer = _grounded(caption, _phrases(row, "noun_chunks", caption, size), size)
        yield Sample(place=row.place, turns=asked(inputs.question(GROUND, row.place), answer), image=image, size=size)


def _phrases(row: Row, name: str, caption: str, size: tuple[int, int]) -> list[_Phrase]:
    """The phrases of a column, in the order of the caption."""
    value = row.fields.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise Refused(f"wrong field: {name!r} should be a list ({error})") from error
    found = []
    for each in Row(row.place, {name: value}).values(name):
        if not isinstance(each, list) or len(each) < 6:
            raise Refused(f"wrong field: {name!r} should hold [start, end, x1, y1, x2, y2, score], not {each!r:.60}")
        x1, y1, x2, y2 = from_corners(each[2:6])
        start, end = int(each[0]), int(each[1])
        if not 0 <= start < end <= len(caption):
            raise Refused(f"wrong phrase: characters {start} to {end} of a caption of {len(caption)}")
        found.append(_Phrase(start, end, Box(x1 * size[0], y1 * size[1], x2 * size[0], y2 * size[1])))
    return sorted(found, key=lambda phrase: phrase.start)


def _grounded(caption: str, phrases: list[_Phrase], size: tuple[int, int]) -> str:
    """The caption with `<ref>` and `<box>` around its phrases; one phrase with several boxes has them all."""
    spans: dict[tuple[int, int], list[Thousandths]] = {}
    for phrase in phrases:
        spans.setdefault((phrase.start, phrase.end), []).append(thousandths(phrase.box, size))
    pieces, done = [], 0
    for (start, end), boxes in spans.items():
        if start >= done:
            pieces += [plain(caption[done:start]), ref(caption[start:end], boxes)]
            done = end
    return "".join([*pieces, plain(caption[done:])]).strip()


CONVERTERS = (
    Converter(
        name="grit",
        title="GRIT",
        task="grounding",
        languages=("en", "zh"),
        samples=_samples,
        asks=ASKS,
        pictures="00000/000000000.jpg",
        takes=("language", "names", "prompts"),
        checked="a public loader",
        about=__doc__,
    ),
)
