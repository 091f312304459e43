"""COCO-Text (Veit et al. 2016): cocotext.v2.json, or COCO_Text.json of v1.4.

Reads imgs {id, set, file_name, width, height} and anns {image_id, bbox: [x, y, w, h], utf8_string, legibility}; illegible words
and the set val are left out. Pictures: train2014/COCO_train2014_*.jpg.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.boxes import from_sides
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.coco_names import named_paths
from internvl.pipelines.convert.forms.coco_text import word_samples
from internvl.pipelines.convert.forms.reading_text import ASKS, text_line
from internvl.pipelines.convert.rows import Row
from internvl.pipelines.convert.sample import Outcome
from internvl.pipelines.ocr.line import Line


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return word_samples(inputs, word_of=_word, path_of=named_paths, split="train")


def _word(row: Row) -> Line | None:
    if row.optional_text("legibility") != "legible" or not row.optional_text("utf8_string"):
        return None
    return text_line(row.text("utf8_string"), from_sides(row.fields.get("bbox")))


CONVERTERS = (
    Converter(
        name="coco_text",
        title="COCO-Text",
        task="ocr",
        languages=("en",),
        samples=_samples,
        asks=ASKS,
        pictures="train2014/COCO_train2014_*.jpg",
        takes=("language", "prompts"),
        checked="a public loader",
        about=__doc__,
    ),
)
