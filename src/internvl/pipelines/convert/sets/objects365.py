"""Objects365 (Shao et al. 2019): zhiyuan_objv2_train.json, in COCO's form, with 365 categories.

Reads what COCO detection does. file_name is images/v1/patch8/objects365_v1_00420917.jpg; pictures are also looked for as
patch8/*.jpg. Chinese names of the categories are not part of the set: --names gives them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.coco_detection import coco_detection
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return coco_detection(inputs, path_of=_paths)


def _paths(file_name: str) -> list[str]:
    parts = PurePosixPath(file_name).parts
    return list(dict.fromkeys([file_name, "/".join(parts[-2:]), parts[-1]]))


CONVERTERS = (
    Converter(
        name="objects365",
        title="Objects365",
        task="detection",
        languages=("en", "zh"),
        samples=_samples,
        pictures="images/v1/patch8/*.jpg or patch8/*.jpg",
        takes=("language", "names", "prompts"),
        checked="a public loader",
        about=__doc__,
    ),
)
