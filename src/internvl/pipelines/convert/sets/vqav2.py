"""VQAv2 (Goyal et al. 2017): v2_OpenEnded_mscoco_train2014_questions.json and v2_mscoco_train2014_annotations.json.

Reads the questions' image_id, question_id, question and data_subtype, and the annotations' answers; the most common of the ten
answers is taken. Pictures: train2014/COCO_train2014_*.jpg, by the number of the picture.
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
        name="vqav2",
        title="VQAv2",
        task="general_qa",
        languages=("en",),
        samples=_samples,
        files=FILES,
        pictures="train2014/COCO_train2014_*.jpg",
        checked="this package's evaluation; names of pictures: not checked",
        about=__doc__,
    ),
)
