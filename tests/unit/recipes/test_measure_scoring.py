"""Scores of the measurement: the truth is always right, wrong answers lose what they should, and nothing hangs on long answers."""

from __future__ import annotations

import json

import pytest
from recipes.nano.measure.intervals import bootstrap, wilson
from recipes.nano.measure.ppocr import Piece, row_text, rows
from recipes.nano.measure.question import Question
from recipes.nano.measure.scoring import MEASURES, bare_value, folded, overlap, plain, refuses, score

from internvl.messages import Box, Image, Ref


def question(measure: str, *answers: str, **facts: float) -> Question:
    return Question(id="q", group="g", task="f/t", language="en", asked="?", answers=answers, measure=measure, facts=facts)


TRUTHS = {
    "reading": "Total: 12.50\n第二行",
    "exact": "On the left.",
    "contains": "internvl-nano",
    "anls": "Sam Parker",
    "relaxed": "about $1,200",
    "formula": r"\frac{a}{b} = c",
    "words": "A dog, two cats and a house.",
    "boxes": "<ref>it</ref><box>[[10, 20, 110, 120], [200, 200, 300, 300]]</box>",
    "refusal": "The picture does not show that.",
    "json": '{"total": "12.50", "items": [{"name": "茶", "price": "3"}]}',
    "table": "| a | b |\n| --- | --- |\n| 1 | 2 |",
}


@pytest.mark.parametrize("measure", sorted(MEASURES))
def test_the_truth_is_right_and_nothing_and_noise_are_wrong(measure: str) -> None:
    asked = question(measure, TRUTHS[measure])
    assert score(TRUTHS[measure], asked)["score"] == 1.0
    assert score("", asked)["score"] == 0.0
    assert score("xyzzy", asked)["score"] == 0.0


@pytest.mark.parametrize("measure", sorted(MEASURES))
@pytest.mark.parametrize("letters", ["a", "|", "[1, ", "{", "<td>", "1,", " ", "甲"])
def test_long_answers_are_scored_in_linear_time(measure: str, letters: str) -> None:
    assert score(letters * 50_000, question(measure, TRUTHS[measure]))["score"] < 1.0


def test_reading_forgives_blanks_and_widths_alone() -> None:
    asked = question("reading", "价格：５元\nAB")
    assert score("价格:5元  AB", asked) == {
        "edits": 0,
        "characters": 8,
        "bare_edits": 0,
        "bare_characters": 7,
        "score": 1.0,
        "refused": 0.0,
    }
    assert score("价格: 5元 AB", asked)["edits"] == 1
    assert score("价格: 5元 AB", asked)["bare_edits"] == 0
    assert score("价格:5元 Ab", asked)["edits"] == 1
    assert score("", asked)["edits"] == 8
    assert folded(" Ａ\n\tb ") == "A b"
    assert plain(" Yes. ") == "yes"


def test_values_are_compared_as_numbers_within_five_percent_or_the_axis() -> None:
    asked = question("relaxed", "about $200", value=200.0, tolerance=50.0)
    assert score("$210", asked)["score"] == 1.0
    assert score("240", asked) == {"score": 0.0, "axis": 1.0, "exact": 0.0, "refused": 0.0}
    assert score("260", asked)["axis"] == 0.0
    assert bare_value("约45亿元") == "45"
    assert bare_value("12.5%") == "12.5%"
    assert bare_value("Q1, Q2") == "q1, q2"


def test_boxes_need_the_right_number_and_half_of_each() -> None:
    asked = question("boxes", "<box>[[0, 0, 100, 100]]</box>")
    assert score("[[0, 0, 100, 60]]", asked) == {"score": 1.0, "iou": 0.6, "refused": 0.0}
    assert score("[[0, 0, 100, 40]]", asked)["score"] == 0.0
    assert score("[[0, 0, 100, 100], [0, 0, 100, 100]]", asked)["score"] == 0.0
    assert overlap((0, 0, 10, 10), (10, 10, 20, 20)) == 0.0
    assert overlap((5, 5, 5, 5), (5, 5, 5, 5)) == 0.0


def test_json_counts_fields() -> None:
    truth = {"total": "12.50", "date": "1 May", "items": [{"name": "tea"}, {"name": "cake"}]}
    asked = question("json", json.dumps(truth))
    found = score("Here: ```json\n" + json.dumps({**truth, "date": "2 May"}) + "\n```", asked)
    assert found["score"] == pytest.approx(0.75)
    assert found["exact"] == 0.0
    assert found["valid"] == 1.0
    assert score('{"total": "12.50"}', asked)["score"] == pytest.approx(2 / 5)
    assert score('{"total": ', asked) == {"score": 0.0, "exact": 0.0, "valid": 0.0, "refused": 0.0}
    assert score("{" * 100_000 + "}" * 100_000, asked)["valid"] == 0.0


def test_tables_count_cells_where_they_stand() -> None:
    truth = "<table>\n<tr><th>a</th><th>b</th></tr>\n<tr><td>1</td><td>2</td></tr></table>"
    asked = question("table", truth)
    assert score(truth.replace("\n", ""), asked) == {"score": 1.0, "exact": 1.0, "refused": 0.0}
    assert score(truth.replace("2", "3"), asked)["score"] == 0.75
    assert score("| a | b |\n|---|:-:|\n| 1 | 2 |", asked)["score"] == 1.0
    assert score(truth.replace("<th>a", '<th colspan="2">a'), asked)["score"] == 0.75


def test_refusals_are_known_in_both_languages_and_no_is_none() -> None:
    for text in ("The picture does not show that.", "图中没有。", "视频中没有。", "None of the pictures shows that."):
        assert refuses(text)
    for text in ("No.", "没有。", "否。", "It shows a dog.", ""):
        assert not refuses(text)


def test_grounding_marks_become_parts_of_the_conversation() -> None:
    asked = Question(
        id="q",
        group="g",
        task="f/t",
        language="en",
        asked="Where is <ref>the cat</ref>, not <box>[[1, 2, 3, 4]]</box>?",
        answers=("x",),
        measure="boxes",
        pictures=("a.png", "b.png"),
    )
    parts = asked.conversation(max_tiles=6)[0].parts
    assert parts[0] == "Image-1: "
    assert parts[1] == Image("a.png", max_tiles=6)
    assert Ref("the cat") in parts
    assert Box(1, 2, 3, 4) in parts


def test_intervals_hold_the_value_and_shrink() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = bootstrap([1, 0, 2, 1], [10, 10, 10, 10])
    assert low < 0.1 < high
    assert bootstrap([1.0] * 9) == (1.0, 1.0)


def test_pieces_of_an_ocr_are_put_in_rows() -> None:
    pieces = [Piece(60, 11, 90, 21, "12.50"), Piece(0, 10, 50, 20, "Total"), Piece(0, 40, 20, 50, "下"), Piece(22, 41, 40, 51, "行")]
    assert [row_text(row) for row in rows(pieces)] == ["Total 12.50", "下行"]
