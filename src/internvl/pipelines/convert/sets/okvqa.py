"""OK-VQA (Marino et al. 2019): OpenEnded_mscoco_train2014_questions.json and mscoco_train2014_annotations.json.

Reads what VQAv2 does: the answers as people wrote them (`answer`), of which the most common is taken.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.vqa_pair import FILES, vqa_pair
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return vqa_pair(inputs)


CONVERTERS = (
    Converter(
        name="okvqa",
        title="OKVQA",
        task="general_qa",
        languages=("en",),
        samples=_samples,
        files=FILES,
        pictures="train2014/COCO_train2014_*.jpg",
        checked="this package's evaluation; names of pictures: not checked",
        about=__doc__,
    ),
)
