"""The table of all converters, by the name that the command line knows.

"docvqa" -> Converter
"""

from __future__ import annotations

import difflib
from types import ModuleType

from internvl.pipelines.convert.converter import Converter
from internvl.pipelines.convert.sets import (
    ai2d,
    all_seeing,
    allava,
    alpaca_gpt4,
    aokvqa,
    art,
    cc3m,
    chartqa,
    clevr_math,
    coco_captions,
    coco_detection,
    coco_text,
    coig_cqia,
    ctw,
    docvqa,
    dvqa,
    figureqa,
    flickr30k,
    geometry3k,
    geoqa_plus,
    gqa,
    grit,
    infovqa,
    kvqa,
    laion,
    llava_150k,
    lrv_instruction,
    lsvt,
    lvis_instruct4v,
    mathqa,
    mmc_instruction,
    nocaps,
    objects365,
    ocrvqa,
    okvqa,
    openhermes,
    plotqa,
    rctw17,
    rects,
    refcoco,
    scienceqa,
    sharegpt,
    sharegpt4v,
    stvqa,
    svit,
    synthdog,
    tabmwp,
    textcaps,
    textocr,
    textvqa,
    tqa,
    vg_objects,
    vg_qa,
    vg_regions,
    vg_relationships,
    viquae,
    visual_dialog,
    vqav2,
    vsr,
)
from internvl.pipelines.errors import PipelineError

TASKS = (
    "captioning", "detection", "grounding", "general_qa", "science", "chart", "mathematics", "knowledge", "ocr", "document",
    "conversation", "text_only",
)  # fmt: skip
_SETS: tuple[ModuleType, ...] = (
    ai2d,
    all_seeing,
    allava,
    alpaca_gpt4,
    aokvqa,
    art,
    cc3m,
    chartqa,
    clevr_math,
    coco_captions,
    coco_detection,
    coco_text,
    coig_cqia,
    ctw,
    docvqa,
    dvqa,
    figureqa,
    flickr30k,
    geometry3k,
    geoqa_plus,
    gqa,
    grit,
    infovqa,
    kvqa,
    laion,
    llava_150k,
    lrv_instruction,
    lsvt,
    lvis_instruct4v,
    mathqa,
    mmc_instruction,
    nocaps,
    objects365,
    ocrvqa,
    okvqa,
    openhermes,
    plotqa,
    rctw17,
    rects,
    refcoco,
    scienceqa,
    sharegpt,
    sharegpt4v,
    stvqa,
    svit,
    synthdog,
    tabmwp,
    textcaps,
    textocr,
    textvqa,
    tqa,
    vg_objects,
    vg_qa,
    vg_regions,
    vg_relationships,
    viquae,
    visual_dialog,
    vqav2,
    vsr,
)
CONVERTERS: dict[str, Converter] = {
    each.name: each
    for each in sorted((one for each in _SETS for one in each.CONVERTERS), key=lambda one: (TASKS.index(one.task), one.name))
}


def converter_named(name: str) -> Converter:
    """The converter of that name. Raises PipelineError that names the nearest ones."""
    if name in CONVERTERS:
        return CONVERTERS[name]
    near = difflib.get_close_matches(name.lower().replace("-", "_"), CONVERTERS, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise PipelineError(f"there is no converter {name!r}{hint} `internvl data convert --list` shows all")
