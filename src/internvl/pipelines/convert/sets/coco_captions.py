"""COCO captions (Chen et al. 2015): captions_train2017.json and its relatives.

Reads images (id, file_name, width, height) and annotations (image_id, caption); five captions a picture, each a record. Pictures
as for COCO detection.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.captions import coco_captions
from internvl.pipelines.convert.forms.coco_names import named_paths
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return coco_captions(inputs, path_of=named_paths)


CONVERTERS = (
    Converter(
        name="coco_captions",
        title="COCO",
        task="captioning",
        languages=("en", "zh"),
        samples=_samples,
        pictures="train2017/*.jpg",
        checked="pycocotools",
        takes=("language", "prompts"),
        about=__doc__,
    ),
)
