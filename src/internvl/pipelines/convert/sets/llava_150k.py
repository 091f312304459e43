"""LLaVA-Instruct-150K (Liu et al. 2023): llava_instruct_150k.json, conversation_58k.json, detail_23k.json,
complex_reasoning_77k.json.

Reads [{id, image, conversations}]. image is the file name of a picture of COCO 2014 without its prefix, or of COCO 2017.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.coco_names import coco_paths
from internvl.pipelines.convert.forms.conversations import conversation_samples
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return conversation_samples(inputs, path_of=_paths)


def _paths(image: str) -> list[str]:
    """The name as written, as in COCO 2017, and the places of COCO by its number."""
    stem = image.removesuffix(".jpg")
    return [image, *(coco_paths(int(stem), "train2017") if stem.isdigit() else [])]


CONVERTERS = (
    Converter(
        name="llava_150k",
        title="LLaVA-150K",
        task="conversation",
        languages=("en", "zh"),
        samples=_samples,
        pictures="*.jpg, train2017/*.jpg or train2014/COCO_train2014_*.jpg",
        checked="this package's reader of LLaVA files",
        takes=(),
        about=__doc__,
    ),
)
