"""Answers that nobody expected: a million characters, strange Unicode, nothing at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from internvl.eval.metrics.anls import anls
from internvl.eval.metrics.edit_distance import edit_distance
from internvl.eval.score import score_row

LENGTH = 1_000_000
ROWS = [json.loads(line) for line in (Path(__file__).parent / "metric_rows.jsonl").read_text("utf-8").splitlines()]
OF_AN_ANSWER = [row for row in ROWS if isinstance(row["prediction"], str)]
RIGHT_OR_WRONG = {
    "anls",
    "relaxed_accuracy_standard",
    "relaxed_accuracy_internvl",
    "vqa_accuracy_10",
    "vqa_score_vlmevalkit",
    "exact_match",
    "ocrbench_hit",
    "mmmu_open",
    "mcq_can_infer_2024",
    "mcq_can_infer_head",
    "mvbench_check_ans",
    "mathvista_post_check",
}
# Each is long where some pattern could look back over what it has read: digits, spaces after a word, brackets, lines.
LONG = {
    "digits": "9" * LENGTH,
    "numbers": "-1.1e,1,111" * (LENGTH // 11),
    "blanks": "answer" + " \t" * (LENGTH // 2),
    "phrases": "so the answer is **\n" * (LENGTH // 20),
    "marks": "[(-/_ '.,?" * (LENGTH // 10) + "1,2,3,",
}
ODD = [
    "\ud800",
    "\x00",
    "İSTANBUL",
    "ß" * 50,
    "e\u0301" * 50,
    "\u202eabc",
    "٣٫١٤",
    "²",
    "𝟛",
    "\u2028\u2029\x1c",
    "👩‍👩‍👧",
    "是否不是",
    "１，０００",
]


@pytest.mark.parametrize("text", LONG)
@pytest.mark.parametrize("row", OF_AN_ANSWER, ids=lambda row: row["metric"])
def test_an_answer_of_a_million_characters_is_scored(row: dict[str, Any], text: str) -> None:
    score_row({**row, "prediction": LONG[text]})


@pytest.mark.parametrize("row", OF_AN_ANSWER, ids=lambda row: row["metric"])
def test_odd_characters_are_scored_on_either_side(row: dict[str, Any]) -> None:
    for text in ODD:
        score_row({**row, "prediction": text})
        if isinstance(row["reference"], list) and isinstance(row["reference"][0], str):
            score_row({**row, "prediction": text, "reference": [text] * len(row["reference"])})


@pytest.mark.parametrize("row", [row for row in OF_AN_ANSWER if row["metric"] in RIGHT_OR_WRONG], ids=lambda row: row["metric"])
def test_an_empty_answer_is_never_right(row: dict[str, Any]) -> None:
    for nothing in ("", " ", "\n\t\u3000"):
        assert not score_row({**row, "prediction": nothing})
        if isinstance(row["reference"], list):
            assert not score_row({**row, "prediction": nothing, "reference": [nothing] * len(row["reference"])})


def test_empty_answers_win_no_circle_and_no_box() -> None:
    by_metric = {row["metric"]: row for row in ROWS}
    assert score_row({**by_metric["mmbench_circular"], "prediction": [""] * 4}) == 0
    assert score_row({**by_metric["refcoco_iou50"], "prediction": ""})[0] == 0
    assert score_row({**by_metric["seed_accuracy"], "prediction": [""] * 13})["Total"] == 0
    assert score_row({**by_metric["ocrbench_aggregate"], "prediction": [""] * 5})["Final Score"] == 0


def test_long_texts_with_a_small_change_are_compared() -> None:
    text = "abcdefghij" * 300
    changed = text[:700] + "#" + text[701:1500] + text[1510:]
    assert edit_distance(text, changed) == 11
    assert anls(text, [changed]) == pytest.approx(1 - 11 / 3000)
    assert anls("x" * LENGTH, ["a receipt"]) == 0.0
