"""NoCaps (Agrawal et al. 2019): nocaps_val_4500_captions.json, in COCO's form.

Reads images (id, file_name, width, height) and annotations (image_id, caption). It is an evaluation set: what is trained on it
can't be scored on it.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.captions import coco_captions
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return coco_captions(inputs, path_of=_paths)


def _paths(file_name: str) -> list[str]:
    return [file_name, f"images/{file_name}"]


CONVERTERS = (
    Converter(
        name="nocaps",
        title="NoCaps",
        task="captioning",
        languages=("en", "zh"),
        samples=_samples,
        pictures="*.jpg or images/*.jpg",
        checked="pycocotools",
        takes=("language", "prompts"),
        about=__doc__,
    ),
)
