"""ShareGPT4V (Chen et al. 2023): sharegpt4v_instruct_gpt4-vision_cap100k.json and share-captioner_coco_lcs_sam_1246k_1107.json.

Reads [{id, image, conversations}] in LLaVA's form; paths of pictures stay as written (coco/train2017/..., sam/images/...).
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.conversations import as_named, conversation_samples
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    return conversation_samples(inputs, path_of=as_named)


CONVERTERS = (
    Converter(
        name="sharegpt4v",
        title="ShareGPT4V",
        task="captioning",
        languages=("en", "zh"),
        samples=_samples,
        pictures="as written",
        takes=(),
        about=__doc__,
    ),
)
