"""COCO detection (Lin et al. 2014): instances_train2017.json and its relatives.

Reads images (id, file_name, width, height), categories (id, name), annotations (image_id, category_id, bbox, iscrowd). Crowds are
listed in the ledger. Pictures: train2017/ and val2017/, or train2014/COCO_train2014_*, below the root, or all in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.coco_detection import coco_detection
from internvl.pipelines.convert.forms.coco_names import named_paths
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return coco_detection(inputs, path_of=named_paths)


CONVERTERS = (
    Converter(
        name="coco_detection",
        title="COCO",
        task="detection",
        languages=("en", "zh"),
        samples=_samples,
        pictures="train2017/*.jpg",
        checked="pycocotools",
        takes=("language", "names", "prompts"),
        about=__doc__,
    ),
)
