"""Visual Genome's objects: objects.json, and image_data.json for sizes.

Reads [{image_id, objects: [{names, x, y, w, h}]}]. All objects of a picture are one detection answer, those of one name together.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.detection import detection_sample
from internvl.pipelines.convert.forms.visual_genome import FILES, VgPicture, box_of, name_of, picture_of, vg_pictures
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    pictures = vg_pictures(inputs)
    for path in inputs.all("annotations", ".json"):
        yield from by_row(json_items(path), lambda row: _row_samples(row, pictures, inputs))


def _row_samples(row: Row, pictures: dict[str, VgPicture], inputs: Inputs) -> Iterator[Outcome]:
    picture = picture_of(row, "image_id", pictures)
    objects = [(row.place, name_of(each), box_of(each)) for each in row.each("objects")]
    yield from detection_sample(row.place, picture.image, picture.size, objects, inputs)


CONVERTERS = (
    Converter(
        name="vg_objects",
        title="Visual Genome objects",
        task="detection",
        languages=("en",),
        samples=_samples,
        files=FILES,
        pictures="VG_100K/*.jpg and VG_100K_2/*.jpg",
        takes=("language", "names", "prompts"),
        about=__doc__,
    ),
)
