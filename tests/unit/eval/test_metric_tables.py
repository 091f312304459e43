"""OCRBench, MME, HallusionBench and the accuracy tables of choice benchmarks."""

from __future__ import annotations

from typing import Any

import pytest

from internvl.eval.errors import EvalError
from internvl.eval.metrics.hallusion import hallusion_rating, hallusion_report
from internvl.eval.metrics.mmbench import mcq_report_acc
from internvl.eval.metrics.mme import mme_aggregate, mme_parse_pred, mme_post_processing
from internvl.eval.metrics.mmt import META_TASKS, mmt_report_acc
from internvl.eval.metrics.ocrbench import FORMULA, ocrbench_aggregate, ocrbench_hit

REGULAR = "Regular Text Recognition"


@pytest.mark.parametrize(
    ("category", "prediction", "reference", "hit"),
    [
        (REGULAR, "The word is STOP.", "stop", 1),
        (REGULAR, "s top", "stop", 0),
        (REGULAR, "two\nlines", "two lines", 1),
        (REGULAR, "", "", 0),
        (FORMULA, r"\frac{a}{b} + c", r"\frac { a } { b } + c", 1),
        (FORMULA, "X ^ 2", "x^2", 0),
        (FORMULA, " \n ", "", 0),
    ],
)
def test_ocrbench_hits(category: str, prediction: str, reference: str, hit: int) -> None:
    assert ocrbench_hit(prediction, ["nothing like it", reference], category) == hit


def test_ocrbench_points_are_summed_by_group() -> None:
    categories = [REGULAR, "Handwriting Recognition", "Scene Text-centric VQA", FORMULA]
    points = ocrbench_aggregate(["a", "b", "c", "x"], [["a"], "['B', 'z']", "['d']", ["x"]], categories)
    assert points["Text Recognition"] == 2
    assert points["Scene Text-centric VQA"] == 0
    assert points["Final Score"] == 3
    assert points["Final Score Norm"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("references", "categories", "message"),
    [
        ([["a"]], ["Reading"], "no category 'Reading'"),
        (["['a'"], [REGULAR], "expected a list such as"),
        (["__import__('os')"], [REGULAR], "expected a list such as"),
        ([["a"], ["b"]], [REGULAR], "1 predictions, 2 references"),
    ],
)
def test_ocrbench_refuses(references: list[Any], categories: list[str], message: str) -> None:
    with pytest.raises(EvalError, match=message):
        ocrbench_aggregate(["a"], references, categories)


@pytest.mark.parametrize(
    ("raw", "cleaned"), [("Yes, it is\n", "yes, it is"), ("是的", "yes"), ("不是", "no"), ("否", "no"), ("TRUE", "yes"), ("", "")]
)
def test_mme_answers_are_cleaned(raw: str, cleaned: str) -> None:
    assert mme_post_processing(raw) == cleaned


@pytest.mark.parametrize(
    ("answer", "label"),
    [("yes", "yes"), ("no, it is not", "no"), ("the answer is yes", "other"), ("", "other"), (" no", "no"), ("unknown", "other")],
)
def test_mme_labels(answer: str, label: str) -> None:
    assert mme_parse_pred(answer) == label


def pairs(*answers: str) -> list[list[str]]:
    """Two questions a picture, the first to be answered with Yes and the second with No."""
    return [[f"{place // 2}.jpg", "q", ("Yes", "No")[place % 2], answer] for place, answer in enumerate(answers)]


@pytest.mark.parametrize(
    ("name", "rows", "total", "value"),
    [
        ("existence", pairs("Yes", "No", "yes, there is", "no"), "perception", 2000),
        ("existence", pairs("Yes", "No", "Yes", "Yes"), "perception", 1925),
        ("color", pairs("red", "No"), "perception", 1850),
        ("numerical_calculation", pairs("Yes", "Yes", "Yes", "Yes"), "cognition", 650),
        ("code_reasoning", pairs("", ""), "cognition", 600),
    ],
)
def test_mme_sums(name: str, rows: list[list[str]], total: str, value: float) -> None:
    scores = mme_aggregate({name: rows})
    assert scores[total] == pytest.approx(value)
    assert scores["perception"] + scores["cognition"] == pytest.approx(2600 + scores[name])


@pytest.mark.parametrize(
    ("subtasks", "message"),
    [
        ({"colour": pairs("yes", "no")}, "no subtask 'colour'"),
        ({"color": pairs("yes")}, "not 1 rows"),
        ({"color": [["1.jpg", "q", "Yes", "yes"], ["2.jpg", "q", "No", "no"]]}, "color, row 2: the second question of '1.jpg'"),
        ({"color": [["1.jpg", "q", "maybe", "yes"]] * 2}, "color, row 1"),
        ({"color": [["1.jpg", "q", "Yes"]] * 2}, "color, row 1"),
    ],
)
def test_mme_refuses(subtasks: dict[str, Any], message: str) -> None:
    with pytest.raises(EvalError, match=message):
        mme_aggregate(subtasks)


def test_mme_can_ask_for_all_subtasks() -> None:
    with pytest.raises(EvalError, match="needs all 14 subtasks; existence"):
        mme_aggregate({"color": pairs("yes", "no")}, absent="refuse")


@pytest.mark.parametrize(
    ("scores", "indices", "expected"),
    [
        ([1, 1, 1, 0], ["VS_chart_x_0_0_0", "VS_chart_x_0_0_1", "VS_chart_x_0_1_0", "VS_chart_x_0_1_1"], (75, 50, 50, 175 / 3)),
        (
            [1, 1, 0, 1, 1],
            ["VD_figure_0_0_1_0", "VD_figure_0_0_1_1", "VS_ocr_0_0_1_0", "VS_ocr_0_0_2_0", "VS_ocr_0_1_1_0"],
            (80, 75, 75, 230 / 3),
        ),
        ([True, 1], ["VS_map_0_0_0_0", "VS_map_0_0_1_0"], (100, 100, 100, 100)),
    ],
)
def test_hallusion_rating(scores: list[float], indices: list[str], expected: tuple[float, ...]) -> None:
    assert tuple(hallusion_rating(scores, indices).values()) == pytest.approx(expected)


def test_hallusion_report_has_categories_and_subcategories() -> None:
    report = hallusion_report([1, 0, 1], ["VD_figure_0_0_1_0", "VD_illusion_0_0_1_0", "VS_map_0_0_1_0"])
    assert list(report) == ["Overall", "VD", "VS", "figure", "illusion", "map"]
    assert report["VD"]["aAcc"] == 50
    assert report["map"]["avg"] == 100


@pytest.mark.parametrize(
    ("scores", "indices", "message"),
    [([1], ["VD_figure_0_0"], "six pieces"), ([1, 0], ["VD_figure_0_0_1_0"], "2 scores, 1 indices"), ([], [], "at least one")],
)
def test_hallusion_refuses(scores: list[float], indices: list[str], message: str) -> None:
    with pytest.raises(EvalError, match=message):
        hallusion_rating(scores, indices)


def test_a_table_has_a_value_for_each_split() -> None:
    rows = [
        {"hit": 1, "category": "ocr", "l2-category": "coarse_perception", "split": "test"},
        {"hit": 0, "category": "ocr", "l2-category": "coarse_perception", "split": "dev"},
        {"hit": True, "category": "logo", "l2-category": "logic_reasoning", "split": "dev"},
    ]
    assert mcq_report_acc(rows) == {
        "split": ["dev", "test"],
        "Overall": [0.5, 1.0],
        "CP": [0.0, 1.0],
        "LR": [1.0, None],
        "logo": [1.0, None],
        "ocr": [0.0, 1.0],
    }


def test_a_table_without_splits_has_one_column() -> None:
    assert mcq_report_acc([{"category": "x"}, {"category": "y"}], [1, 0]) == {
        "split": ["none"],
        "Overall": [0.5],
        "x": [1.0],
        "y": [0.0],
    }


@pytest.mark.parametrize(
    ("subtasks", "value", "overall"),
    [
        ({"a": [1, 1, 1, 0], "b": [1, 0]}, 0.625, 4 / 6),
        ({"a": [1], "b": [0, 0], "c": [1, 0]}, 0.5, 0.4),
        ({"a": [1, 0, 0]}, 1 / 3, 1 / 3),
    ],
)
def test_a_meta_task_is_the_mean_of_its_subtasks(subtasks: dict[str, list[int]], value: float, overall: float) -> None:
    rows = [{"hit": hit, "category": name, "l2-category": "ocr"} for name, hits in subtasks.items() for hit in hits]
    table = mmt_report_acc(rows)
    assert table["OCR"] == pytest.approx(value)
    assert table["Overall"] == pytest.approx(overall)
    assert table["a"] == pytest.approx(sum(subtasks["a"]) / len(subtasks["a"]))


def test_mmt_leaves_recognition_out_of_one_number_and_tells_splits_apart() -> None:
    rows = [
        {"hit": 0, "category": "animals", "l2-category": "visual_recognition", "split": "VAL"},
        {"hit": 1, "category": "scene_text", "l2-category": "ocr", "split": "TEST"},
    ]
    table = mmt_report_acc(rows)
    assert (table["Overall"], table["Overall*"]) == (0.5, 1.0)
    assert table["splits"]["VAL"] == {"Overall": 0.0, "animals": 0.0, "VR": 0.0}
    assert len(META_TASKS) == len(set(META_TASKS.values())) == 32


@pytest.mark.parametrize("table", [mcq_report_acc, mmt_report_acc])
@pytest.mark.parametrize(
    ("rows", "hits", "message"),
    [
        ([], None, "at least one"),
        ([{"category": "a"}], [1, 0], "1 rows and 2 hits"),
        ([{"category": "a"}], None, "item 1: hit must be 0 or 1"),
        ([{"hit": 1, "category": 3}], None, "item 1: category must be a text"),
    ],
)
def test_tables_refuse(table: Any, rows: list[dict[str, Any]], hits: list[int] | None, message: str) -> None:
    with pytest.raises(EvalError, match=message):
        table(rows, hits)
