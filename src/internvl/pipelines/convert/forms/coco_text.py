"""The layout of COCO-Text and TextOCR: pictures and words in two objects by key, joined by `image_id`.

{"imgs": {id: {file_name, width, height}}, "anns": {id: {image_id, utf8_string, ...}}} --> words of each picture
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.forms.reading_text import reading_samples
from internvl.pipelines.convert.reading import keyed_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refusal, Refused
from internvl.pipelines.ocr.line import Line


def word_samples(
    inputs: Inputs, *, word_of: Callable[[Row], Line | None], path_of: Callable[[str], list[str]], split: str = ""
) -> Iterator[Outcome]:
    """Samples of each picture. word_of: None for an illegible word. split: the only `set` whose pictures are taken, "" all."""
    for path in inputs.all("annotations", ".json"):
        words: dict[str, list[Line]] = defaultdict(list)
        for row in keyed_rows(path, "anns"):
            try:
                word = word_of(row) if isinstance(row, Row) else None
            except Refused as error:
                yield Refusal(row.place, str(error))
                continue
            if isinstance(row, Refusal):
                yield row
            elif word is not None:
                words[row.key("image_id")].append(word)

        def make(row: Row, words: dict[str, list[Line]] = words) -> Iterator[Outcome]:
            if not split or row.optional_text("set") == split:
                image = inputs.pictures.find(path_of(row.text("file_name")))
                yield from reading_samples(row.place, image, words.get(row.key("id"), []), inputs, size=row.size())

        yield from by_row(keyed_rows(path, "imgs"), make)
