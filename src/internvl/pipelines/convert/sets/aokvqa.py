"""A-OKVQA (Schwenk et al. 2022): aokvqa_v1p0_train.json.

Reads [{image_id, question_id, question, choices, correct_choice_idx, direct_answers, rationales}]. `choice` asks for a letter,
`short` for the most common of the ten direct answers, `both` makes two records. Pictures: train2017/*.jpg.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.answers import most_common
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.choices import chosen
from internvl.pipelines.convert.forms.coco_names import coco_paths
from internvl.pipelines.convert.phrasing import choice, letter, short
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked

ASKS = ("choice", "short", "both")


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        yield from by_row(json_items(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    split = f"{row.optional_text('split') or 'train'}2017"
    image = inputs.pictures.find(coco_paths(row.whole("image_id"), split))
    ask, language, key = inputs.settings.ask or ASKS[0], inputs.settings.language, row.key("question_id")
    if ask != "short":
        options = row.texts("choices")
        turns = asked(choice(row.text("question"), options, language), letter(chosen(row, "correct_choice_idx", options)))
        yield Sample(place=row.place, turns=turns, image=image, id=key)
    if ask != "choice":
        turns = asked(short(row.text("question"), language), most_common(row.texts("direct_answers")))
        yield Sample(place=row.place, turns=turns, image=image, id=key)


CONVERTERS = (
    Converter(
        name="aokvqa",
        title="A-OKVQA",
        task="knowledge",
        languages=("en",),
        samples=_samples,
        asks=ASKS,
        pictures="train2017/*.jpg",
        checked="a public loader",
        about=__doc__,
    ),
)
