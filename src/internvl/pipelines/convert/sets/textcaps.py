"""TextCaps (Sidorov et al. 2020): TextCaps_0.1_train.json.

Reads {data: [{image_id, caption_str, image_width, image_height}]}; five captions a picture, each a record. The question asks to
mind the text in the picture. Pictures: train_images/IMAGE_ID.jpg.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.boxes import plain
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.phrasing import CAPTION_TEXT
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(json_items(path, "data.item"), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    name = f"{row.key('image_id')}.jpg"
    image = inputs.pictures.find([f"train_images/{name}", name])
    turns = asked(inputs.question(CAPTION_TEXT, row.place), plain(row.text("caption_str")))
    yield Sample(place=row.place, turns=turns, image=image, size=row.size("image_width", "image_height"))


CONVERTERS = (
    Converter(
        name="textcaps",
        title="TextCaps",
        task="captioning",
        languages=("en",),
        samples=_samples,
        pictures="train_images/*.jpg",
        takes=("language", "prompts"),
        about=__doc__,
    ),
)
