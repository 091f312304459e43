"""Average precision of boxes, as COCO measures detection.

detections and gold boxes (COCO records) -> per image and category -> box IoU [D, G] -> AP, AP50, AP75, AR1, AR100 as fractions.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from internvl.eval.errors import EvalError
from internvl.eval.metrics.coco_match import Floats, Matched, average_precision, best_first, cut, grouped, in_order, match, numbers

Record = Mapping[str, Any]
_MOST_DETECTIONS = 100


def coco_bbox_ap(
    detections: Sequence[Record], golds: Sequence[Record], categories: Sequence[Hashable] | None = None
) -> dict[str, float]:
    """`{"AP", "AP50", "AP75", "AR1", "AR100"}`; -1 where there is no gold box, as in pycocotools.

    A detection has `image_id`, `category_id`, `bbox` `[x, y, width, height]` in pixels and `score`; a gold box has no score and
    may have `iscrowd` or `ignore`. `categories` are those that count, by default those of the gold boxes. At most the 100 best
    detections of an image and category are taken. Raises `EvalError` for records that lack a field or hold no numbers.
    """
    found, wanted = grouped(detections, "detection", ("bbox", "score")), grouped(golds, "gold box", ("bbox",))
    kept = dict.fromkeys(categories if categories is not None else (category for category, _ in wanted))
    groups: dict[Hashable, list[Matched]] = {category: [] for category in kept}
    for category, image in in_order(wanted, found):
        if category in groups:
            groups[category].append(_matched(found.get((category, image), []), wanted.get((category, image), [])))
    precision, recall = average_precision(groups.values())
    _, first_recall = average_precision([[cut(group, 1) for group in part] for part in groups.values()])
    return {
        "AP": float(precision.mean()),
        "AP50": float(precision[0]),
        "AP75": float(precision[5]),
        "AR1": float(first_recall.mean()),
        "AR100": float(recall.mean()),
    }


def _matched(detections: Sequence[Record], golds: Sequence[Record]) -> Matched:
    best = best_first(detections, _MOST_DETECTIONS)
    crowd = [bool(gold.get("iscrowd", 0)) for gold in golds]
    similarity = _ious(_boxes(best, "detection"), _boxes(golds, "gold box"), np.array(crowd, dtype=bool))
    ignored = [one or bool(gold.get("ignore", 0)) for one, gold in zip(crowd, golds, strict=True)]
    return match([float(record["score"]) for record in best], similarity, ignored, crowd)


def _boxes(records: Sequence[Record], what: str) -> Floats:
    boxes = [numbers(record["bbox"], 4, f"the bbox of a {what} in image {record['image_id']!r}") for record in records]
    if any(box[2] < 0 or box[3] < 0 for box in boxes):
        raise EvalError(f"a {what} has a negative width or height; COCO boxes are [x, y, width, height]")
    return np.array(boxes).reshape(-1, 4)


def _ious(found: Floats, wanted: Floats, crowd: np.ndarray[Any, np.dtype[np.bool_]]) -> Floats:
    """Box IoU [D, G]; for a crowd the part of the detection that lies inside it."""
    start = np.maximum(found[:, None, :2], wanted[None, :, :2])
    end = np.minimum(found[:, None, :2] + found[:, None, 2:], wanted[None, :, :2] + wanted[None, :, 2:])
    shared = np.clip(end - start, 0, None).prod(axis=2)
    own = found[:, 2:].prod(axis=1)[:, None]
    union = np.where(crowd[None, :], own, own + wanted[:, 2:].prod(axis=1)[None, :] - shared)
    ious: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)
    return ious
