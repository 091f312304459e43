"""Every metric of the table on rows whose scores come from the original scorers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from internvl.eval.metrics import METRICS, load_function
from internvl.eval.score import score_row

ROWS = [json.loads(line) for line in (Path(__file__).parent / "metric_rows.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_row_has_the_score_of_the_original_scorer(row: dict[str, Any]) -> None:
    score = json.loads(json.dumps(score_row(row)))
    assert_like(score, row["expected"], row["tolerance"], row["id"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_row_may_leave_out_which_metric_it_is_for(row: dict[str, Any]) -> None:
    unnamed = {key: value for key, value in row.items() if key != "metric"}
    assert score_row(unnamed, metric=row["metric"]) == score_row(row)


def test_the_table_and_the_rows_name_the_same_metrics() -> None:
    assert {row["metric"] for row in ROWS} | {"relaxed_accuracy_internvl"} == set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_a_function_of_its_own_name_with_a_meaning_in_one_line(name: str) -> None:
    assert load_function(name).__name__ == name
    assert 0 < len(METRICS[name].meaning) < 100
    assert METRICS[name].form


def assert_like(score: Any, expected: Any, tolerance: float, where: str) -> None:
    """Equal up to the tolerance; an object must have what is expected and may have more."""
    if isinstance(expected, Mapping):
        assert isinstance(score, Mapping), where
        for key, value in expected.items():
            assert_like(score[key], value, tolerance, f"{where}.{key}")
    elif isinstance(expected, list):
        assert isinstance(score, list), where
        assert len(score) == len(expected), where
        for place, value in enumerate(expected):
            assert_like(score[place], value, tolerance, f"{where}[{place}]")
    elif isinstance(expected, bool) or not isinstance(expected, int | float):
        assert score == expected, where
        assert type(score) is type(expected), where
    else:
        assert score == pytest.approx(expected, abs=max(tolerance, 1e-9)), where
