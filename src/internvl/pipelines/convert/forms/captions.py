"""Captions of pictures, in COCO's JSON and in rows of one caption each.

{images, annotations: [{image_id, caption}]} --> picture, caption --> "Provide a one-sentence caption ..." -> caption
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from internvl.pipelines.convert.boxes import plain
from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.forms.coco import CocoPicture, coco_pictures
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Place, Refusal, Refused, Sample, asked


def coco_captions(inputs: Inputs, *, path_of: Callable[[str], list[str]]) -> Iterator[Outcome]:
    """A sample for each caption. path_of: `file_name` -> where the picture may lie below the root."""
    for path in inputs.all("annotations", ".json"):
        pictures: dict[int, CocoPicture] = {}
        for found in coco_pictures(path):
            if isinstance(found, Refusal):
                yield found
            else:
                pictures[found.id] = found

        def make(row: Row, pictures: dict[int, CocoPicture] = pictures) -> Iterator[Outcome]:
            picture = pictures.get(row.whole("image_id"))
            if picture is None:
                raise Refused(f"unknown picture: the list has no picture {row.key('image_id')}")
            image = inputs.pictures.find(path_of(picture.file_name))
            yield caption_sample(row.place, image, row.text("caption"), inputs, size=picture.size)

        yield from by_row(json_items(path, "annotations.item"), make)


def caption_sample(place: Place, image: str, caption: str, inputs: Inputs, *, size: tuple[int, int] | None = None) -> Sample:
    """A picture and what it shows, on one line of text."""
    answer = plain(" ".join(caption.split()))
    return Sample(place=place, turns=asked(inputs.caption_question(place), answer), image=image, size=size)
