"""Detection data sets in COCO's JSON.

images, categories, annotations --coco_boxes--> picture with boxes --detection_sample--> one conversation a picture
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.forms.coco import coco_boxes, coco_categories
from internvl.pipelines.convert.forms.detection import detection_sample
from internvl.pipelines.convert.sample import Outcome, Place, Refusal
from internvl.pipelines.errors import PipelineError


def coco_detection(inputs: Inputs, *, path_of: Callable[[str], list[str]]) -> Iterator[Outcome]:
    """Samples of each file. path_of: `file_name` -> where the picture may lie below the root. Chinese needs names for categories."""
    if inputs.settings.language != "en" and not inputs.settings.names:
        raise PipelineError("the categories are English: give --names FILE.json, an object of English name to Chinese name")
    for path in inputs.all("annotations", ".json"):
        names = coco_categories(path)
        for found in coco_boxes(path):
            if isinstance(found, Refusal):
                yield found
                continue
            picture, boxes = found
            image = inputs.pictures.find(path_of(picture.file_name))
            known = [(Place(str(path), box.row), names[box.category], box.box) for box in boxes if box.category in names]
            for box in (box for box in boxes if box.category not in names):
                yield Refusal(Place(str(path), box.row), f"unknown category: the list has no category {box.category}")
            yield from detection_sample(picture.place, image, picture.size, known, inputs)
