"""SVIT (Zhao et al. 2023): conversation.json, complex_reasoning.json, detail_description.json, referring_qa.json;
svit_mix_665K.json.

Reads [{image_id, conversations: [{content: [{from, value}, ...]}]}], each entry of conversations being one dialogue on the
picture of Visual Genome; and LLaVA's form, which the mixes have. Pictures: VG_100K/ID.jpg or VG_100K_2/ID.jpg. Uncertain: the
field of mixes.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.conversations import as_named, conversation_sample, conversation_turns
from internvl.pipelines.convert.reading import file_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(file_rows(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    if "image_id" not in row.fields:
        yield conversation_sample(row, inputs, as_named)
        return
    name = f"{row.key('image_id')}.jpg"
    image = inputs.pictures.find([f"VG_100K/{name}", f"VG_100K_2/{name}", name])
    for dialogue in row.each("conversations"):
        turns = conversation_turns(Row(row.place, {"conversations": dialogue.values("content")}))
        yield Sample(place=row.place, turns=turns, image=image)


CONVERTERS = (
    Converter(
        name="svit",
        title="SVIT",
        task="conversation",
        languages=("en", "zh"),
        samples=_samples,
        pictures="VG_100K/*.jpg and VG_100K_2/*.jpg",
        checked="a public loader",
        takes=(),
        about=__doc__,
    ),
)
