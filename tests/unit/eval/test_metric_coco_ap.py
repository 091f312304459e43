"""Average precision of boxes and keypoints against worked examples and, on random cases, against pycocotools."""

from __future__ import annotations

import contextlib
import io
import random
from typing import Any

import pytest

from internvl.eval.errors import EvalError
from internvl.eval.metrics.detection import coco_bbox_ap
from internvl.eval.metrics.keypoints import coco_keypoint_ap, pck02

GOLD = {"image_id": 1, "category_id": 1, "bbox": [10, 10, 50, 50]}
POINTS = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 100, 100], "area": 5000, "num_keypoints": 3}
SIGMAS = [0.05, 0.05, 0.05]


def found(box: list[float], score: float, image: int = 1, category: int = 1) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": box, "score": score}


@pytest.mark.parametrize(
    ("detections", "golds", "expected"),
    [
        ([found([10, 10, 50, 50], 0.9)], [GOLD], {"AP": 1, "AP50": 1, "AP75": 1, "AR1": 1, "AR100": 1}),
        (
            [found([10, 10, 40, 50], 0.9), found([200, 200, 9, 9], 0.95)],
            [GOLD],
            {"AP": 0.35, "AP50": 0.5, "AP75": 0.5, "AR1": 0.0, "AR100": 0.7},
        ),
        (
            [found([10, 10, 50, 50], 0.9)],
            [GOLD, GOLD | {"bbox": [100, 100, 20, 20]}],
            {"AP": 0.50495, "AP50": 0.50495, "AP75": 0.50495, "AR1": 0.5, "AR100": 0.5},
        ),
        ([], [GOLD], {"AP": 0, "AP50": 0, "AP75": 0, "AR1": 0, "AR100": 0}),
        ([found([10, 10, 50, 50], 0.9)], [], {"AP": -1, "AP50": -1, "AP75": -1, "AR1": -1, "AR100": -1}),
    ],
)
def test_boxes(detections: list[dict[str, Any]], golds: list[dict[str, Any]], expected: dict[str, float]) -> None:
    assert coco_bbox_ap(detections, golds, [1]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("second", "third", "expected"), [(50, 90, (1, 1, 1)), (54, 96, (0.7, 1, 1))])
def test_keypoints(second: float, third: float, expected: tuple[float, ...]) -> None:
    gold = POINTS | {"keypoints": [10, 10, 2, 50, 50, 2, 90, 90, 2]}
    said = {"image_id": 1, "category_id": 1, "score": 0.9, "keypoints": [10, 10, 1, second, 50, 1, third, 90, 1]}
    scores = coco_keypoint_ap([said], [gold], SIGMAS)
    assert (scores["AP"], scores["AP50"], scores["AP75"]) == pytest.approx(expected)


def random_boxes(dice: random.Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    def box() -> list[float]:
        return [dice.randint(0, 60), dice.randint(0, 60), dice.randint(5, 60), dice.randint(5, 60)]

    golds = [
        {"image_id": image, "category_id": dice.randint(1, 2), "bbox": box(), "iscrowd": int(dice.random() < 0.2)}
        for image in range(1, 6)
        for _ in range(dice.randint(1, 5))
    ]
    detections = [
        found([side + dice.randint(-8, 8) if place < 2 else side for place, side in enumerate(gold["bbox"])], dice.randint(1, 9) / 10)
        | {"image_id": gold["image_id"], "category_id": dice.choice([gold["category_id"], 1, 2])}
        for gold in golds * 3
    ]
    return detections, golds


def pycocotools_stats(golds: list[dict[str, Any]], detections: list[dict[str, Any]], kind: str, sigmas: Any = None) -> list[float]:
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": image} for image in range(1, 6)],
            "categories": [{"id": 1}, {"id": 2}],
            "annotations": [
                {"iscrowd": 0, "area": gold["bbox"][2] * gold["bbox"][3]} | gold | {"id": number}
                for number, gold in enumerate(golds, 1)
            ],
        }
        truth.createIndex()
        run = evaluation.COCOeval(truth, truth.loadRes([dict(record) for record in detections]), kind)
        if sigmas is not None:
            run.params.kpt_oks_sigmas = sigmas
        run.evaluate()
        run.accumulate()
        run.summarize()
    return [float(number) for number in run.stats]


@pytest.mark.parametrize("seed", range(12))
def test_random_boxes_agree_with_pycocotools(seed: int) -> None:
    detections, golds = random_boxes(random.Random(seed))
    stats = pycocotools_stats(golds, detections, "bbox")
    scores = coco_bbox_ap(detections, golds, [1, 2])
    expected = {"AP": stats[0], "AP50": stats[1], "AP75": stats[2], "AR1": stats[6], "AR100": stats[8]}
    assert scores == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_random_keypoints_agree_with_pycocotools(seed: int) -> None:
    numpy = pytest.importorskip("numpy")
    dice = random.Random(seed)
    golds, detections = [], []
    for image in range(1, 6):
        for _ in range(dice.randint(1, 3)):
            points = [(dice.randint(0, 90), dice.randint(0, 90), dice.choice([0, 1, 2])) for _ in range(4)]
            seen = sum(point[2] > 0 for point in points)
            shown = {"image_id": image, "category_id": 1, "bbox": [5, 5, 70, 60], "area": dice.randint(500, 4000)}
            golds.append(shown | {"keypoints": [number for point in points for number in point], "num_keypoints": seen})
            for _ in range(3):
                moved = [number for x, y, _ in points for number in (x + dice.randint(-5, 5), y + dice.randint(-5, 5), 1)]
                detections.append({"image_id": image, "category_id": 1, "score": dice.random(), "keypoints": moved})
    sigmas = numpy.array([0.05, 0.08, 0.1, 0.06])
    stats = pycocotools_stats(golds, detections, "keypoints", sigmas)
    scores = coco_keypoint_ap(detections, golds, list(sigmas))
    assert scores == pytest.approx({"AP": stats[0], "AP50": stats[1], "AP75": stats[2]}, abs=1e-9)


def test_pck_examples() -> None:
    gold = {"bbox": [0, 0, 100, 50], "keypoints": [10, 10, 2, 50, 50, 2]}
    off = {"scores": [0.9], "keypoints": [[29, 10, 1, 50, 71, 1]]}
    assert pck02([off], [gold]) == 0.5
    assert pck02([{"scores": [0.9], "keypoints": [[10, 10, 1, 0, 0, 1]]}], [gold | {"keypoints": [10, 10, 2, 50, 50, 0]}]) == 1.0
    assert pck02([{"scores": [], "keypoints": []}], [gold]) == 0.0


def test_pck_takes_the_best_instance_and_averages_keypoints_not_points() -> None:
    gold = {"bbox": [0, 0, 10, 10], "keypoints": [1, 1, 2, 5, 5, 2]}
    half = {"bbox": [0, 0, 10, 10], "keypoints": [1, 1, 2, 5, 5, 0]}
    right = {"scores": [0.1, 0.8], "keypoints": [[9, 9, 1, 9, 9, 1], [1, 1, 1, 5, 5, 1]]}
    wrong = {"scores": [0.9], "keypoints": [[9, 9, 1, 9, 9, 1]]}
    assert pck02([right, wrong], [gold, half]) == pytest.approx((0.5 + 1.0) / 2)


@pytest.mark.parametrize(
    "broken",
    [
        {"image_id": 1, "category_id": 1, "score": 0.5},
        found([1, 2, 3], 0.5),
        found([1, 2, -3, 4], 0.5),
        found([1, 2, 3, float("nan")], 0.5),
        found([1, 2, 3, 4], float("nan")),
        found([1, 2, 3, 4], 0.5) | {"score": "high"},
        found([1, 2, 3, 4], 0.5) | {"image_id": None},
    ],
)
def test_broken_detections_are_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(EvalError):
        coco_bbox_ap([broken], [GOLD], [1])


@pytest.mark.parametrize("sigmas", [[], [0.05, 0], [0.05, 0.05]])
def test_broken_sigmas_are_refused(sigmas: list[float]) -> None:
    gold = POINTS | {"keypoints": [10, 10, 2, 50, 50, 2, 90, 90, 2]}
    with pytest.raises(EvalError):
        coco_keypoint_ap([], [gold], sigmas)


@pytest.mark.parametrize(
    ("predictions", "golds"),
    [
        ([], []),
        ([{"scores": [1], "keypoints": []}], [{"bbox": [0, 0, 9, 9], "keypoints": [1, 1, 2]}]),
        ([{"scores": [1], "keypoints": [[1, 1]]}], [{"bbox": [0, 0, 9, 9], "keypoints": [1, 1, 2]}]),
        ([{"scores": [1], "keypoints": [[1, 1, 1]]}], [{"bbox": [0, 0, 0, 0], "keypoints": [1, 1, 2]}]),
        ([{"scores": [1], "keypoints": [[1, 1, 1]]}], [{"bbox": [0, 0, 9, 9], "keypoints": [1, 1, 0]}]),
        ([{}], [{"bbox": [0, 0, 9, 9], "keypoints": [1, 1, 2]}]),
    ],
)
def test_broken_poses_are_refused(predictions: list[dict[str, Any]], golds: list[dict[str, Any]]) -> None:
    with pytest.raises(EvalError):
        pck02(predictions, golds)
