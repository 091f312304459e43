"""Keypoint metrics: COCO's average precision over object keypoint similarity, and PCK@0.2.

predicted and gold points [K, 3] (x, y, visibility) -> similarity per pair, or distance relative to the box -> AP, or share of hits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from internvl.eval.errors import EvalError
from internvl.eval.metrics.coco_match import Floats, Matched, average_precision, best_first, grouped, in_order, match, numbers

Record = Mapping[str, Any]
_MOST_DETECTIONS = 20
_PCK_REACH = 0.2
_EPSILON = float(np.spacing(1))


def coco_keypoint_ap(detections: Sequence[Record], golds: Sequence[Record], sigmas: Sequence[float]) -> dict[str, float]:
    """`{"AP", "AP50", "AP75"}` over object keypoint similarity; -1 where there is no gold object with a labelled point.

    A detection has `image_id`, `category_id`, `score` and `keypoints` `[x, y, v, ...]` in pixels; a gold object has `keypoints`,
    `bbox` `[x, y, width, height]`, `area` (by default the box's) and may have `num_keypoints` and `iscrowd`. `sigmas` [K] are the
    spreads of the points. At most 20 detections of an image are taken. Raises `EvalError` for broken records.
    Source: COCO, pycocotools.
    """
    spreads = numbers(sigmas, len(sigmas), "sigmas")
    if not len(spreads) or (spreads <= 0).any():
        raise EvalError(f"sigmas are one positive number for each keypoint, got {list(sigmas)!r}")
    found, wanted = grouped(detections, "detection", ("keypoints", "score")), grouped(golds, "gold object", ("keypoints", "bbox"))
    groups: dict[Any, list[Matched]] = {category: [] for category, _ in wanted}
    for category, image in in_order(wanted, found):
        if category in groups:
            groups[category].append(_matched(found.get((category, image), []), wanted.get((category, image), []), spreads))
    precision, _ = average_precision(groups.values())
    return {"AP": float(precision.mean()), "AP50": float(precision[0]), "AP75": float(precision[5])}


def pck02(predictions: Sequence[Record], golds: Sequence[Record]) -> float:
    """The mean over keypoints of the share of instances whose point lies nearer than 0.2 of the box's longer side, 0..1.

    `predictions[i]` has `scores` [n] and `keypoints` [n, 3K] of image i, of which the best instance (the first of equals) is
    taken; `golds[i]` has `bbox` `[x, y, width, height]` and `keypoints` [3K]. Points with v = 0 are left out, and keypoints that
    are visible in no image too. An image without any prediction misses all its points. Source: VisionLLM v2's pose scorer.
    """
    if len(predictions) != len(golds) or not golds:
        raise EvalError(f"every image needs a prediction and a gold object, got {len(predictions)} and {len(golds)}")
    hits, visible = zip(*(_near(row, *pair) for row, pair in enumerate(zip(predictions, golds, strict=True), 1)), strict=True)
    if len({len(flags) for flags in visible}) != 1:
        raise EvalError("the gold objects have different numbers of keypoints")
    seen = np.sum(visible, axis=0)
    if not seen.any():
        raise EvalError(f"none of the {len(golds)} gold objects has a visible keypoint")
    near = np.sum(np.logical_and(hits, visible), axis=0)
    return float(np.mean(near[seen > 0] / seen[seen > 0]))


def _matched(detections: Sequence[Record], golds: Sequence[Record], sigmas: Floats) -> Matched:
    best = best_first(detections, _MOST_DETECTIONS)
    crowd = [bool(gold.get("iscrowd", 0)) for gold in golds]
    targets = [_points(gold["keypoints"], len(sigmas)) for gold in golds]
    ignored = [
        one or not int(gold.get("num_keypoints", np.count_nonzero(points[:, 2] > 0)))
        for one, gold, points in zip(crowd, golds, targets, strict=True)
    ]
    said = [_points(record["keypoints"], len(sigmas)) for record in best]
    similarity = np.array(
        [[_similarity(one, target, gold, sigmas) for target, gold in zip(targets, golds, strict=True)] for one in said]
    )
    return match([float(record["score"]) for record in best], similarity.reshape(len(best), len(golds)), ignored, crowd)


def _similarity(said: Floats, target: Floats, gold: Record, sigmas: Floats) -> float:
    """Object keypoint similarity; for gold without a labelled point the distance is that to its box doubled in size."""
    box = numbers(gold["bbox"], 4, "the bbox of a gold object")
    area = float(numbers(gold.get("area", box[2] * box[3]), None, "the area of a gold object"))
    labelled = target[:, 2] > 0
    if labelled.any():
        offsets, spreads = (said - target)[labelled, :2], sigmas[labelled]
    else:
        low, high = box[:2] - box[2:], box[:2] + 2 * box[2:]
        offsets, spreads = np.maximum(0, low - said[:, :2]) + np.maximum(0, said[:, :2] - high), sigmas
    squares = (offsets**2).sum(axis=1)
    return float(np.exp(-squares / (2 * spreads) ** 2 / (area + _EPSILON) / 2).mean())


def _near(
    row: int, prediction: Record, gold: Record
) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], np.ndarray[Any, np.dtype[np.bool_]]]:
    absent = [name for name in ("scores", "keypoints") if name not in prediction] + [
        name for name in ("bbox", "keypoints") if name not in gold
    ]
    if absent:
        raise EvalError(f"row {row}: the field {absent[0]!r} is missing")
    target = _points(gold["keypoints"], len(gold["keypoints"]) // 3)
    visible = target[:, 2] != 0
    reach = float(numbers(gold["bbox"], 4, f"row {row}: the gold box")[2:].max())
    if reach <= 0:
        raise EvalError(f"row {row}: the gold box {list(gold['bbox'])!r} has no size")
    scores = numbers(prediction["scores"], len(prediction["scores"]), f"row {row}: scores")
    if len(scores) != len(prediction["keypoints"]):
        raise EvalError(f"row {row}: {len(scores)} scores for {len(prediction['keypoints'])} instances")
    if not len(scores):
        return np.zeros(len(target), dtype=bool), visible
    said = _points(prediction["keypoints"][int(scores.argmax())], len(target))
    return np.hypot(*(said - target)[:, :2].T) / reach < _PCK_REACH, visible


def _points(values: Sequence[float], count: int) -> Floats:
    return numbers(values, 3 * count, f"keypoints [x, y, v] of {count} points").reshape(count, 3)
