"""Text in pictures, given as lines or words with polygons: read it all, or read it and mark where it stands.

text, Box --text_line--> Line, ... --reading order--> "SALE 50 %\\ntoday only"   or   "<ref>SALE</ref><box>[[...]]</box>\\n..."

Data sets list their lines in no order: they are put in the order of `ocr.reading_order`, and those of one row stand on one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from internvl.pipelines.convert.boxes import Box, plain, ref, thousandths
from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.phrasing import READ, SPOT
from internvl.pipelines.convert.sample import Outcome, Place, Refusal, Refused, Sample, asked
from internvl.pipelines.ocr.line import Line, row_text
from internvl.pipelines.ocr.reading_order import in_reading_order

ASKS = ("read", "spot", "both")
VERTICAL = 1.5
"""From this height in widths on, a line of several characters is taken to be written downwards."""


def text_line(text: str, box: Box) -> Line:
    """A line or word and where it stands, in pixels."""
    vertical = len(text) > 1 and box.y2 - box.y1 >= VERTICAL * (box.x2 - box.x1)
    return Line(text=text, box=box, vertical=vertical)


def reading_samples(
    place: Place, image: str, lines: Sequence[Line], inputs: Inputs, *, size: tuple[int, int] | None = None
) -> Iterator[Outcome]:
    """What is asked about the picture: `read`, `spot` or `both`. size: read from the picture where it is not given and needed."""
    if not lines:
        raise Refused(f"no text: {image} has no legible line")
    ordered, ask = in_reading_order(lines), inputs.settings.ask or ASKS[0]
    if ask != "spot":
        rows = [list(row) for _, row in groupby(ordered, key=lambda line: (line.block, line.row))]
        text = "\n".join(plain(row_text(row)) for row in rows)
        yield Sample(place=place, turns=asked(inputs.question(READ, place), text), image=image, size=size)
    if ask != "read":
        yield from _spotting(place, image, ordered, inputs, size or inputs.pictures.size(image))


def _spotting(place: Place, image: str, lines: Sequence[Line], inputs: Inputs, size: tuple[int, int]) -> Iterator[Outcome]:
    marked: list[str] = []
    for line in lines:
        try:
            marked.append(ref(line.text, [thousandths(Box(*line.box), size)]))
        except Refused as error:
            yield Refusal(place, str(error))
    if not marked:
        raise Refused(f"no text: {image} has no line with a usable box")
    yield Sample(place=place, turns=asked(inputs.question(SPOT, place), "\n".join(marked)), image=image, size=size)
