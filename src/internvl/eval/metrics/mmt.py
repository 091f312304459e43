"""MMT-Bench: accuracy over all questions, and for each of the 32 meta-tasks the mean over its subtasks (Ying et al. 2024).

rows with hit, category (the subtask), l2-category (the meta-task) -> {"Overall", "VR", "Loc", ...}
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from internvl.eval.metrics.hit_rows import NO_SPLIT, HitRow, hit_rows

META_TASKS = {
    "visual_recognition": "VR",
    "localization": "Loc",
    "ocr": "OCR",
    "counting": "Count",
    "hallucination": "HLN",
    "image_retrieval": "IR",
    "threed": "3D",
    "visual_captioning": "VC",
    "visual_grounding": "VG",
    "doc_understanding": "DU",
    "action_recognition": "AR",
    "pixel_level_perception": "PLP",
    "image-to-image_translation": "I2IT",
    "relation_reasoning": "RR",
    "intelligence_quotient_test": "IQT",
    "emotion": "Emo",
    "visual_illusion": "VI",
    "meme_understanding": "MemU",
    "visual_prompt_understanding": "VPU",
    "anomaly_detection": "AND",
    "keypoint_detection": "KD",
    "visual_commonsense_reasoning": "VCR",
    "image_evaluation_judgement": "IEJ",
    "multiple_image_analysis": "MIA",
    "cross_image_matching": "CIM",
    "temporal_understanding": "TU",
    "visual_code": "VP",
    "medical_understanding": "MedU",
    "autonomous_driving": "AUD",
    "discipline_knowledge_reasoning": "DKR",
    "embodied_ai": "EA",
    "gui_navigation": "GN",
}
"""l2-category -> its column in the published tables."""

_RECOGNITION = "visual_recognition"


def mmt_report_acc(rows: Sequence[Mapping[str, Any]], hits: Sequence[float] | None = None) -> dict[str, Any]:
    """`Overall` (the mean over questions), each meta-task (the mean over its subtasks' accuracies) and each subtask, 0 to 1.

    `Overall*` leaves out visual recognition. Where rows name splits, `splits` has the same table for each of them. hits: 0 or 1 a row,
    instead of the rows' own "hit". Raises EvalError.
    """
    checked = hit_rows(rows, hits)
    by_split: dict[str, list[HitRow]] = defaultdict(list)
    for row in checked:
        by_split[row.split].append(row)
    table: dict[str, Any] = dict(_table(checked))
    if set(by_split) != {NO_SPLIT}:
        table["splits"] = {split: _table(by_split[split]) for split in sorted(by_split)}
    return table


def _table(rows: Sequence[HitRow]) -> dict[str, float]:
    subtasks: dict[str, list[float]] = defaultdict(list)
    groups: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        if row.category is not None:
            subtasks[row.category].append(row.hit)
        if row.category is not None and row.group is not None:
            groups[row.group][row.category] = None
    accuracies = {name: fmean(subtasks[name]) for name in sorted(subtasks)}
    seen_less = [row.hit for row in rows if row.group != _RECOGNITION]
    return {
        "Overall": fmean(row.hit for row in rows),
        **({"Overall*": fmean(seen_less)} if seen_less and len(seen_less) < len(rows) else {}),
        **accuracies,
        **{META_TASKS.get(group, group): fmean(accuracies[name] for name in names) for group, names in groups.items()},
    }
