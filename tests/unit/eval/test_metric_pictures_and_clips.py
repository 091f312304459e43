"""Worked examples and broken input of the metrics for boxes in answers, maths, clips, judged benchmarks, masks and sounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from internvl.eval.errors import EvalError
from internvl.eval.metrics import (
    audio,
    captions,
    convbench,
    detection,
    grounding,
    keypoints,
    mathvista,
    mmbench_video,
    mmvet,
    mvbench,
    ranking,
    referring,
    retrieval_text,
    seed,
    segmentation,
    videomme,
)
from internvl.eval.metrics.edit_distance import edit_distance
from internvl.eval.metrics.segmentation import SegmentationTotals, semseg_miou

MODULES = (
    *(audio, convbench, detection, grounding, keypoints, mathvista, mmbench_video, mmvet, mvbench, ranking, referring),
    *(retrieval_text, seed, segmentation, videomme),
)
ROWS = [json.loads(line) for line in (Path(__file__).parent / "metric_rows.jsonl").read_text().splitlines()]
OWN_ROWS = [row for row in ROWS if any(hasattr(module, row["metric"]) for module in MODULES)]
GOLD = [64, 96, 320, 288]


@pytest.mark.parametrize("row", OWN_ROWS, ids=lambda row: row["id"])
def test_functions_take_a_row_as_it_is(row: dict[str, Any]) -> None:
    function = next(getattr(module, row["metric"]) for module in MODULES if hasattr(module, row["metric"]))
    value = function(*(part for part in (row["prediction"], row["reference"]) if part is not None), **row["extra"])
    expected = row["expected"]
    if row["metric"] == "refcoco_iou50":
        value, expected = [*value[:2], *value[2]], [*expected[:2], *expected[2]]
    if isinstance(expected, bool | str | list) or row["metric"] == "mmbench_video_rating":
        assert value == expected
    else:
        assert value == pytest.approx(expected, abs=row["tolerance"])


def test_the_caption_row() -> None:
    row = next(row for row in ROWS if row["metric"] == "caption_metrics")
    scores = captions.caption_metrics(row["reference"], row["prediction"], **row["extra"])
    expected = row["expected"]
    assert scores["tokenized_refs"] == expected.pop("tokenized_refs")
    assert scores["tokenized_pred"] == expected.pop("tokenized_pred")
    assert {name: value for name, value in expected.items() if scores[name] != pytest.approx(value, abs=1e-5)} == {}


@pytest.mark.parametrize(
    ("answer", "gold", "expected"),
    [
        ("<ref>cat</ref><box>[[100, 200, 500, 600]]</box>", GOLD, [1, 1.0, [64, 96, 320, 288]]),
        ("[[0.1,0.2,0.5,0.6]]", GOLD, [1, 1.0, [64, 96, 320, 288]]),
        ("no box", GOLD, [0, 0.0, [0, 0, 0, 0]]),
        ("[[0, 0, 1000, 500]]", [0, 0, 640, 480], [1, 0.5, [0, 0, 640, 240]]),
        ("[a] then [100,200,500,600]", GOLD, [0, 0.0, [0, 0, 0, 0]]),
        ("[1,2,\n3,4] [[[100,200,500,600]]] [0,0,1,1]", GOLD, [1, 1.0, [64, 96, 320, 288]]),
        ("[100,200,500,1e999]", GOLD, [0, 0.0, [0, 0, 0, 0]]),
        ("[nan,200,500,600]", GOLD, [0, 0.0, [0, 0, 0, 0]]),
        ("", GOLD, [0, 0.0, [0, 0, 0, 0]]),
        ("[[500,600,100,200]]", GOLD, [0, 0.0, [320, 288, 64, 96]]),
    ],
)
def test_boxes_in_answers(answer: str, gold: list[float], expected: list[Any]) -> None:
    hit, iou, box = grounding.refcoco_iou50(answer, gold, height=480, width=640)
    assert (hit, iou) == (expected[0], pytest.approx(expected[1]))
    assert box == pytest.approx(expected[2])


@pytest.mark.parametrize("piece", ["[", "[,", "[1,2,3,\n", "[[1,2,3,4", "]", ",", "9"])
def test_hostile_answers_hold_no_box(piece: str) -> None:
    answer = piece * (1_000_000 // len(piece))
    assert grounding.refcoco_iou50(answer, GOLD, 480, 640)[:2] == [0, 0.0]
    assert grounding.refcoco_iou50(f"[{answer},2,3,4]", GOLD, 480, 640)[0] == 0


@pytest.mark.parametrize(("gold", "height"), [([1, 2, 3], 480), (["a", 1, 2, 3], 480), ([1, 2, 3, float("nan")], 480), (GOLD, 0)])
def test_gold_boxes_must_be_boxes(gold: list[Any], height: float) -> None:
    with pytest.raises(EvalError):
        grounding.refcoco_iou50("[[1,2,3,4]]", gold, height, 640)


@pytest.mark.parametrize(
    ("text", "extra", "expected"),
    [
        ("(B)", {"choices": ["3", "4", "5"], "question_type": "multi_choice"}, "4"),
        ("3.456", {"answer_type": "float", "precision": 2}, "3.46"),
        ("3.456", {"answer_type": "float", "precision": 2.0}, "3.46"),
        ("3.456", {"answer_type": "float", "precision": None}, None),
        ("12.9", {"answer_type": "integer"}, "12"),
        ("-12.9", {"answer_type": "integer"}, "-12"),
        ("inf", {"answer_type": "integer"}, None),
        ("twelve", {"answer_type": "integer"}, None),
        ("five cm", {"choices": ["5 cm", "6 cm"], "question_type": "multi_choice"}, "5 cm"),
        ("", {"choices": ["5 cm", "6"], "question_type": "multi_choice"}, ""),
        ("[1, 2]", {"answer_type": "list"}, "[1, 2]"),
        ("(z) 5 cm", {"choices": ["5 cm", "6 cm"], "question_type": "multi_choice"}, "5 cm"),
    ],
)
def test_mathvista_normalises(text: str, extra: dict[str, Any], expected: str | None) -> None:
    assert mathvista.mathvista_normalise(text, **extra) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We get 4. Final answer: 4", "4"),
        ("ANSWER: 3.5 m", "3.5 m"),
        ("Answer: x Answer: y", "x Answer: y"),
        ("Answer: x\nmore", "x"),
        ("no mark", "no mark"),
        ("", ""),
    ],
)
def test_mathvista_quick_extract(text: str, expected: str) -> None:
    assert mathvista.mathvista_quick_extract(text) == expected


@pytest.mark.parametrize(
    ("answer", "gold", "extra", "expected"),
    [
        ("7", "7", {"answer_type": "integer"}, True),
        ("7.0", "7", {"answer_type": "integer"}, False),
        ("2", "2.0", {"answer_type": "float"}, True),
        ("7", 7.0, {"answer_type": "integer"}, True),
        ("(C)", "5", {"question_type": "multi_choice", "choices": ["1", "3", "5"], "answer_option": "C"}, True),
        ("(C)", "5", {"question_type": "multi_choice", "choices": ["1", "3", "5"]}, True),
        ("(B)", "5", {"question_type": "multi_choice", "choices": ["1", "3", "5"]}, False),
        ("A or B", "1", {"question_type": "multi_choice", "choices": ["1", "3"]}, False),
        ("", "1", {"question_type": "multi_choice", "choices": ["1", "3"]}, False),
        ("Yes", "Yes", {}, False),
        ("[1]", "[1]", {"answer_type": "list"}, False),
        ("", "", {"answer_type": "float"}, False),
        ("nan", "nan", {"answer_type": "float"}, False),
    ],
)
def test_mathvista_post_check(answer: str, gold: str | float, extra: dict[str, Any], expected: bool) -> None:
    assert mathvista.mathvista_post_check(answer, gold, **extra) is expected


def test_mathvista_needs_choices_and_takes_long_answers() -> None:
    with pytest.raises(EvalError):
        mathvista.mathvista_normalise("a", None, "multi_choice")
    with pytest.raises(EvalError):
        mathvista.mathvista_post_check("a", "x", "multi_choice", choices=["y", "z"])
    assert mathvista.mathvista_normalise("x" * 1_000_000, ["ab", "xx"], "multi_choice") == "xx"
    assert mathvista.mathvista_normalise("9" * 1_000_000, answer_type="integer") is None
    assert mathvista.mathvista_quick_extract("answer :" * 100_000 + "Answer: 5") == "5"


@pytest.mark.parametrize(
    ("one", "other", "distance"), [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "abc", 0), ("flaw", "lawn", 2), ("é", "e", 1)]
)
def test_edit_distance(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == edit_distance(other, one) == distance


@pytest.mark.parametrize(
    ("answer", "gold", "expected"),
    [
        ("(B) dog", "(B) dog", True),
        ("B", "(A) cat", False),
        ("Answer: (A)", "(A) cat", True),
        ("c) because", "(C) run", True),
        ("C", "(C) run", True),
        ("(C)run", "(C) run", True),
        ("The answer is C", "(C) run", False),
        ("", "(C) run", False),
        (" ", "(C) run", False),
        ("...", "(C) run", False),
        ("Answer: ", "(C) run", False),
    ],
)
def test_mvbench_answers(answer: str, gold: str, expected: bool) -> None:
    assert mvbench.mvbench_check_ans(answer, gold) is expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((None, 25, 299, 16), [9, 28, 46, 65, 84, 102, 121, 140, 159, 177, 196, 215, 233, 252, 271, 289]),
        (([2, 6], 10, 500, 4), [25, 35, 45, 55]),
        (([3, 9], 3, 60, 4, 1), [11, 15, 20, 25]),
    ],
)
def test_mvbench_frames(arguments: tuple[Any, ...], expected: list[int]) -> None:
    assert mvbench.mvbench_frame_index(*arguments) == expected


@pytest.mark.parametrize("arguments", [(None, 0, 9, 4), (None, 25, 9, 0), (None, 25, -1, 4), ([5, 2], 25, 9, 4), ([1], 25, 9, 4)])
def test_mvbench_frames_need_a_clip(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(EvalError):
        mvbench.mvbench_frame_index(*arguments)


@pytest.mark.parametrize(
    ("text", "letter"),
    [("B. two dogs", "B"), ("Best option: C", "B"), ("I do not know", ""), ("The answer is D.", "D"), ("", ""), ("Answer: a", "")],
)
def test_videomme_letters(text: str, letter: str) -> None:
    assert videomme.videomme_extract(text) == letter


def test_long_texts_of_clips() -> None:
    assert videomme.videomme_extract("The answer is" * 70_000 + "D") == "D"
    assert not mvbench.mvbench_check_ans("Answer: " * 100_000, "(A) x")


def test_mmbench_video_example() -> None:
    table = mmbench_video.mmbench_video_rating([3, -1, 1], ["['OCR']", "['Counting']", ["Causal Reasoning"]])
    assert (table["coarse_all"]["FP-S"], table["coarse_all"]["TR"], table["coarse_all"]["Overall"]) == ("1.50", "1.00", "1.33")
    assert (table["coarse_valid"]["FP-S"], table["coarse_valid"]["Overall"]) == ("3.00", "2.00")
    assert "CP" not in table["coarse_all"]
    assert "FP-S" not in mmbench_video.mmbench_video_rating([-1], ["['OCR']"])["coarse_valid"]


@pytest.mark.parametrize(
    ("scores", "dimensions"),
    [
        ([], []),
        ([1], []),
        ([4], ["['OCR']"]),
        ([1], ["['Nothing']"]),
        ([1], ["__import__('os')"]),
        ([1], ["[" * 5000]),
        ([1], ["[]"]),
        ([True], ["['OCR']"]),
    ],
)
def test_mmbench_video_refuses(scores: list[int], dimensions: list[str]) -> None:
    with pytest.raises(EvalError):
        mmbench_video.mmbench_video_rating(scores, dimensions)


def test_mmvet_examples() -> None:
    table = mmvet.mmvet_aggregate([1.0, 0.5, 0.0], ["rec,know", "ocr,math", "rec,ocr,gen,spat"])
    assert table == {"rec": 50, "ocr": 25, "know": 100, "gen": 0, "spat": 0, "math": 50, "Overall": 50}
    grades, abilities = [0.4, 0.8, 1.0], ["rec", "rec,know", "ocr,gen,spat,math"]
    twice = mmvet.mmvet_aggregate(grades, abilities)
    assert (twice["rec"], twice["know"], twice["Overall"]) == pytest.approx((160 / 3, 80, 220 / 3))
    assert mmvet.mmvet_aggregate(grades, abilities, count_single_once=True)["rec"] == pytest.approx(60)


@pytest.mark.parametrize(("grades", "abilities"), [([], []), ([1.0], []), ([1.1], ["rec"]), ([float("nan")], ["rec"]), ([1], ["sing"])])
def test_mmvet_refuses(grades: list[float], abilities: list[str]) -> None:
    with pytest.raises(EvalError):
        mmvet.mmvet_aggregate(grades, abilities)


def test_seed_examples() -> None:
    kinds = [*range(1, 13), 1]
    answers = ["A"] * 13
    answers[7] = "B"
    assert seed.seed_accuracy(answers, ["A"] * 13, kinds) == {"Total": 92.31, "Image": 90.0, "Video": 100.0}
    assert seed.seed_accuracy(["", "a"], ["A", "A"], [1, 2]) == {"Total": 0.0, "Image": 0.0}
    for broken in (([], [], []), (["A"], ["A"], [13]), (["A"], ["A", "B"], [1])):
        with pytest.raises(EvalError):
            seed.seed_accuracy(*broken)


@pytest.mark.parametrize(
    ("prediction", "gold", "classes", "reduce", "expected"),
    [
        ([[0, 0], [1, 1]], [[1, 1], [2, 1]], 3, True, (75, 58.33, 83.33)),
        ([[0, 1], [1, 1]], [[0, 1], [2, 2]], 2, True, (66.67, 33.33, 50.0)),
        ([[0, 0], [1, 1]], [[0, 1], [1, 255]], 2, False, (66.67, 50.0, 75.0)),
    ],
)
def test_segmentation_examples(prediction: Any, gold: Any, classes: int, reduce: bool, expected: tuple[float, ...]) -> None:
    table = semseg_miou([prediction], [gold], classes, reduce_zero_label=reduce)
    assert (table["aAcc"], table["mIoU"], table["mAcc"]) == expected


def test_maps_are_read_one_by_one_and_totals_add_up() -> None:
    dice = np.random.default_rng(1)
    maps = [(dice.integers(0, 4, (6, 5)), dice.integers(0, 5, (6, 5))) for _ in range(5)]
    totals = SegmentationTotals(4, reduce_zero_label=True)
    for prediction, gold in maps:
        totals.update(prediction, gold)
    streamed = semseg_miou((pair[0] for pair in maps), (pair[1] for pair in maps), 4, reduce_zero_label=True)
    whole = semseg_miou([np.vstack([pair[0] for pair in maps])], [np.vstack([pair[1] for pair in maps])], 4, reduce_zero_label=True)
    assert totals.result() == streamed == whole


@pytest.mark.parametrize(
    ("predictions", "golds"),
    [
        ([], []),
        ([[[0]]], []),
        ([[[0, 1]]], [[[0], [1]]]),
        ([[[2]]], [[[0]]]),
        ([[[0]]], [[[2]]]),
        ([[[0.5]]], [[[0]]]),
        ([[[0], [0, 1]]], [[[0]]]),
        ([[[0]]], [[[255]]]),
    ],
)
def test_broken_maps_are_refused(predictions: Any, golds: Any) -> None:
    with pytest.raises(EvalError):
        semseg_miou(predictions, golds, 2)


def test_referring_examples() -> None:
    table = referring.referring_segmentation([[50, 100], [90, 100]])
    assert (table["P@0.5"], table["P@0.9"], table["oIoU"], table["mIoU"]) == pytest.approx((0.5, 0, 0.7, 0.7))
    other = referring.referring_segmentation([[1, 10], [900, 1000]])
    assert (other["oIoU"], other["mIoU"]) == pytest.approx((0.8921, 0.5), abs=5e-5)
    assert referring.referring_segmentation([[0, 0]])["mIoU"] == 0
    for broken in ([], [[2, 1]], [[-1, 1]], [[1]], [[float("nan"), 1]]):
        with pytest.raises(EvalError):
            referring.referring_segmentation(broken)


@pytest.mark.parametrize(
    ("samples", "tokens"),
    [(480_000, 750), (10**9, 750), (160_000, 250), (16_001, 25), (4_800, 7), (640, 1), (319, 0), (160, 0), (1, 0), (0, 0)],
)
def test_audio_tokens(samples: int, tokens: int) -> None:
    assert audio.internomni_audio_tokens(samples) == tokens


def test_conversations_and_broken_numbers() -> None:
    first, second = convbench.convbench_r1_r2([26.00, 17.33, 17.33, 15.08]), convbench.convbench_r1_r2([25.13, 27.56, 21.32, 26.52])
    assert (first["R2"], first["R1"], second["R2"], second["R1"]) == pytest.approx((20.22, 17.65, 24.67, 25.60), abs=0.006)
    for broken in ([1, 2, 3], [1, 2, 3, float("nan")], [1, 2, 3, "4"]):
        with pytest.raises(EvalError):
            convbench.convbench_r1_r2(broken)
    for samples in (-1, 1.5, True):
        with pytest.raises(EvalError):
            audio.internomni_audio_tokens(samples)
