"""TextOCR (Singh et al. 2021): TextOCR_0.1_train.json.

Reads imgs {id, set, file_name, width, height} and anns {image_id, points, utf8_string}; words written as `.` are illegible and
left out. The box is drawn around the points. Pictures: train/ID.jpg as written, or train_images/ID.jpg.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from internvl.pipelines.convert.boxes import from_points
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.coco_text import word_samples
from internvl.pipelines.convert.forms.reading_text import ASKS, text_line
from internvl.pipelines.convert.rows import Row
from internvl.pipelines.convert.sample import Outcome
from internvl.pipelines.ocr.line import Line

ILLEGIBLE = "."


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return word_samples(inputs, word_of=_word, path_of=_paths)


def _word(row: Row) -> Line | None:
    if row.optional_text("utf8_string") in ("", ILLEGIBLE):
        return None
    return text_line(row.text("utf8_string"), from_points(row.values("points")))


def _paths(file_name: str) -> list[str]:
    base = PurePosixPath(file_name).name
    return [file_name, f"train_images/{base}", base]


CONVERTERS = (
    Converter(
        name="textocr",
        title="TextOCR",
        task="ocr",
        languages=("en",),
        samples=_samples,
        asks=ASKS,
        pictures="train/*.jpg or train_images/*.jpg",
        takes=("language", "prompts"),
        checked="a public loader",
        about=__doc__,
    ),
)
