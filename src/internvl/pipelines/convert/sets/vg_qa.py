"""Visual Genome's questions: question_answers.json, and image_data.json for sizes.

Reads [{id, qas: [{image_id, question, answer, qa_id}]}]. A full stop that ends an answer is left out, as short answers have none.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.visual_genome import FILES, VgPicture, picture_of, vg_pictures
from internvl.pipelines.convert.phrasing import short
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    pictures = vg_pictures(inputs)
    for path in inputs.all("annotations", ".json"):
        yield from by_row(json_items(path), lambda row: _row_samples(row, pictures, inputs))


def _row_samples(row: Row, pictures: dict[str, VgPicture], inputs: Inputs) -> Iterator[Outcome]:
    picture = picture_of(row, "id", pictures)
    for each in row.each("qas"):
        turns = asked(short(each.text("question"), inputs.settings.language), each.text("answer").removesuffix("."))
        yield Sample(place=row.place, turns=turns, image=picture.image, size=picture.size, id=each.key("qa_id"))


CONVERTERS = (
    Converter(
        name="vg_qa",
        title="Visual Genome QA",
        task="general_qa",
        languages=("en",),
        samples=_samples,
        files=FILES,
        pictures="VG_100K/*.jpg and VG_100K_2/*.jpg",
        about=__doc__,
    ),
)
