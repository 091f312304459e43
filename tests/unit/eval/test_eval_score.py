"""Rows handed to metrics: what is refused, with which words, and how options reach a metric."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from internvl.eval.errors import EvalError
from internvl.eval.metrics import METRICS, load_function, metric_named
from internvl.eval.score import score_file, score_row

ROW = {"id": "a", "prediction": "cats", "reference": ["cart"], "extra": {}}


def test_a_single_text_may_stand_for_a_list_of_references() -> None:
    assert score_row({**ROW, "reference": "cart"}, metric="anls") == score_row(ROW, metric="anls") == 0.5


@pytest.mark.parametrize(
    ("metric", "change", "message"),
    [
        ("anls", {"prediction": None}, "row 7: prediction must be a text, not null or absent"),
        ("anls", {"prediction": 3}, "row 7: prediction must be a text, not 3"),
        ("anls", {"reference": []}, "reference must be a text or a list of at least one text, not a list with 0 items"),
        ("anls", {"reference": ["a", 1]}, "not a list with 2 items"),
        ("vqa_accuracy_10", {}, "row 7: VQA accuracy needs the answers of 10 people, not 1"),
        ("ocrbench_hit", {}, "extra.category must be a text, not null or absent"),
        ("ocrbench_hit", {"extra": None}, "extra.category must be a text"),
        ("ocrbench_hit", {"extra": {"category": "Reading"}}, "no category 'Reading'"),
        ("mcq_can_infer_2024", {"extra": {"choices": ["a"]}}, "extra.choices must be an object of letters and option texts"),
        ("refcoco_iou50", {"reference": [1, 2, 3]}, "reference must be a list of four numbers"),
        ("refcoco_iou50", {"reference": [1, 2, 3, True]}, "reference must be a list of four numbers"),
        ("refcoco_iou50", {"reference": [1, 2, 3, 10**400]}, "reference must be a list of four numbers"),
        ("convbench_r1_r2", {"prediction": [1, 2, 3, float("nan")]}, "prediction must be a list of numbers"),
        ("topk_accuracy", {"prediction": [[1, 2], [3]]}, "rows of numbers, all of one length"),
        ("mme_aggregate", {"prediction": {"color": []}}, "prediction must be an object of lists"),
        ("anls", {"metric": "exact_match"}, "the row is for the metric 'exact_match', not for 'anls'"),
        ("mixed", {}, "metric must be the name of one, not null or absent"),
        ("mixed", {"metric": "anlz"}, "no metric is called 'anlz'; near are anls"),
    ],
)
def test_a_row_that_cannot_be_scored_is_refused_by_number(metric: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(EvalError, match=message.replace("(", r"\(")) as refused:
        score_row({**ROW, **change}, metric=metric, number=7)
    assert str(refused.value).startswith("row 7: ")
    assert len(str(refused.value)) < 1000


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(EvalError) as refused:
        score_row({**ROW, "prediction": ["x" * 10_000], "reference": "y"}, metric="exact_match")
    assert len(str(refused.value)) < 200


def test_rows_of_many_metrics_are_told_apart() -> None:
    assert score_row({**ROW, "metric": "exact_match"}) == 0.0
    assert score_row({**ROW, "metric": "anls"}) == 0.5


def test_options_reach_the_metric() -> None:
    row = {"prediction": [0.4, 0.8, 1.0], "reference": ["rec", "rec,know", "ocr,gen,spat,math"]}
    assert score_row(row, metric="mmvet_aggregate")["rec"] == pytest.approx(160 / 3)
    assert score_row(row, metric="mmvet_aggregate", count_single_once=True)["rec"] == pytest.approx(60)


@pytest.mark.parametrize(
    ("metric", "message"), [("anls", "anls has no option 'threshold'; options: it has none"), ("mixed", "one metric")]
)
def test_unknown_options_are_refused(metric: str, message: str) -> None:
    with pytest.raises(EvalError, match=message):
        score_row({**ROW, "metric": "anls"}, metric=metric, threshold=0.3)


def test_a_metric_that_is_not_there() -> None:
    with pytest.raises(EvalError, match="internvl score --list"):
        metric_named("zzz")
    with pytest.raises(EvalError, match="near are"):
        load_function("mme_agregate")


def test_a_file_is_scored_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(ROW)}\n\n{json.dumps({**ROW, 'id': 2, 'prediction': None})}\n", "utf-8")
    scores = score_file(path, "anls")
    assert next(scores) == {"id": "a", "score": 0.5}
    with pytest.raises(EvalError, match=r"rows\.jsonl, row 3: prediction must be a text"):
        next(scores)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"prediction": "a"}', "row 1: id is missing"),
        ('{"id": null, "prediction": "a", "reference": "a"}', "row 1: id must be a text or a whole number"),
        ('{"id": 1, ', "row 1: not valid JSON"),
        ("[1]", "row 1: a JSON object is expected"),
        ("", "has no lines"),
    ],
)
def test_a_line_that_is_no_row_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(line, "utf-8")
    with pytest.raises(EvalError, match=message):
        list(score_file(path, "exact_match"))


def test_the_table_and_the_text_metrics_import_no_tensors() -> None:
    code = (
        "import sys; from internvl.eval.score import score_row; from internvl.eval.metrics import METRICS;"
        "score_row({'prediction': 'a', 'reference': 'a'}, metric='anls');"
        "print([name for name in ('torch', 'numpy', 'PIL', 'internvl.eval.metrics.mmmu') if name in sys.modules], len(METRICS))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == f"[] {len(METRICS)}"
