"""Visual Genome's relationships: relationships.json, and image_data.json for sizes.

Reads [{image_id, relationships: [{predicate, subject: {name, x, y, w, h}, object: {...}}]}]. Asks how two marked things relate;
the answer is the subject, the predicate and the object as one phrase.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.boxes import plain, ref, thousandths
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.visual_genome import FILES, VgPicture, box_of, name_of, picture_of, vg_pictures
from internvl.pipelines.convert.phrasing import RELATE
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refusal, Refused, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    pictures = vg_pictures(inputs)
    for path in inputs.all("annotations", ".json"):
        yield from by_row(json_items(path), lambda row: _row_samples(row, pictures, inputs))


def _row_samples(row: Row, pictures: dict[str, VgPicture], inputs: Inputs) -> Iterator[Outcome]:
    picture = picture_of(row, "image_id", pictures)
    for relation in row.each("relationships"):
        try:
            yield _sample(relation, picture, inputs)
        except Refused as error:
            yield Refusal(row.place, str(error))


def _sample(relation: Row, picture: VgPicture, inputs: Inputs) -> Sample:
    ends = [relation.inside(name) for name in ("subject", "object")]
    marks = [ref(name_of(end), [thousandths(box_of(end), picture.size)]) for end in ends]
    answer = plain(" ".join([name_of(ends[0]), relation.text("predicate").lower(), name_of(ends[1])]))
    question = RELATE[inputs.settings.language].format(*marks)
    return Sample(place=relation.place, turns=asked(question, answer), image=picture.image, size=picture.size)


CONVERTERS = (
    Converter(
        name="vg_relationships",
        title="Visual Genome relationships",
        task="grounding",
        languages=("en",),
        samples=_samples,
        files=FILES,
        pictures="VG_100K/*.jpg and VG_100K_2/*.jpg",
        about=__doc__,
    ),
)
