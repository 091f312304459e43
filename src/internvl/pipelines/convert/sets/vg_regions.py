"""Visual Genome's regions (Krishna et al. 2016): region_descriptions.json, and image_data.json for sizes.

Reads [{id, regions: [{image_id, phrase, x, y, width, height}]}]. Each region is located by its phrase, or described from its box.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.referring import ASKS, referring_samples
from internvl.pipelines.convert.forms.visual_genome import FILES, VgPicture, box_of, picture_of, vg_pictures
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refusal, Refused


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    pictures = vg_pictures(inputs)
    for path in inputs.all("annotations", ".json"):
        yield from by_row(json_items(path), lambda row: _row_samples(row, pictures, inputs))


def _row_samples(row: Row, pictures: dict[str, VgPicture], inputs: Inputs) -> Iterator[Outcome]:
    picture = picture_of(row, "id", pictures)
    for region in row.each("regions"):
        try:
            box = box_of(region, "width", "height")
            yield from referring_samples(row.place, picture.image, region.text("phrase"), box, picture.size, inputs)
        except Refused as error:
            yield Refusal(row.place, str(error))


CONVERTERS = (
    Converter(
        name="vg_regions",
        title="Visual Genome regions",
        task="grounding",
        languages=("en",),
        samples=_samples,
        files=FILES,
        asks=ASKS,
        pictures="VG_100K/*.jpg and VG_100K_2/*.jpg",
        checked="a public loader",
        about=__doc__,
    ),
)
