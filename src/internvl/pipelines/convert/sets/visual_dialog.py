"""VisDial 1.0 (Das et al. 2017): visdial_1.0_train.json.

Reads {data: {questions, answers, dialogs: [{image_id, caption, dialog: [{question, answer}]}]}}, whose dialogs name questions and
answers by their places in the lists. The ten rounds are one conversation; questions get their question mark back. Pictures of
COCO 2014, or VisualDialog_val2018_*.jpg.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.coco_names import coco_paths
from internvl.pipelines.convert.phrasing import short
from internvl.pipelines.convert.reading import json_items, json_value
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refused, Sample, Turn, asked
from internvl.pipelines.errors import PipelineError


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        texts = {name: _texts(path, name) for name in ("questions", "answers")}
        yield from by_row(json_items(path, "data.dialogs.item"), partial(_row_samples, texts=texts, inputs=inputs))


def _row_samples(row: Row, texts: Mapping[str, Sequence[str]], inputs: Inputs) -> Iterator[Outcome]:
    number, turns = row.whole("image_id"), list[Turn]()
    for each in row.each("dialog"):
        question = _listed(texts["questions"], each.whole("question")).rstrip("?").strip() + "?"
        asks_briefly = short(question, inputs.settings.language) if not turns else question
        turns += asked(asks_briefly, _listed(texts["answers"], each.whole("answer")))
    paths = [*coco_paths(number), f"VisualDialog_val2018/VisualDialog_val2018_{number:012d}.jpg"]
    yield Sample(place=row.place, turns=tuple(turns), image=inputs.pictures.find(paths))


def _texts(path: Path, name: str) -> list[str]:
    value = json_value(path, f"data.{name}")
    if not isinstance(value, list):
        raise PipelineError(f"{path} has no list of texts at 'data.{name}'")
    return [str(text).strip() for text in value]


def _listed(texts: Sequence[str], index: int) -> str:
    if not 0 <= index < len(texts):
        raise Refused(f"wrong number: the list has {len(texts)} texts, none of number {index}")
    return texts[index]


CONVERTERS = (
    Converter(
        name="visual_dialog",
        title="VisualDialog",
        task="general_qa",
        languages=("en",),
        samples=_samples,
        pictures="train2014/COCO_train2014_*.jpg and val2014/COCO_val2014_*.jpg",
        checked="a public loader",
        about=__doc__,
    ),
)
