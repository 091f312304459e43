"""ANLS, relaxed accuracy, VQA accuracy and exact match against values of the original scorers."""

from __future__ import annotations

import pytest

from internvl.eval.errors import EvalError
from internvl.eval.metrics.anls import anls
from internvl.eval.metrics.contractions import CONTRACTIONS
from internvl.eval.metrics.exact import exact_match
from internvl.eval.metrics.relaxed import relaxed_accuracy_internvl, relaxed_accuracy_standard
from internvl.eval.metrics.vqa import vqa_accuracy_10, vqa_answer_normalise, vqa_score_vlmevalkit
from internvl.eval.metrics.vqa_text import vlmevalkit_normalise


@pytest.mark.parametrize(
    ("prediction", "references", "score"),
    [
        ("0.28", ["0.28", "28%"], 1.0),
        ("Hello World", ["hello  world"], 1.0),
        ("cats", ["cart"], 0.5),
        ("$1,250", ["1,250"], 5 / 6),
        ("blue", ["red"], 0.0),
        ("New Yrok City", ["New York City", "NYC"], 11 / 13),
        # Blanks are no edits, but they lengthen what edits are measured by: 1 of 7 and not 1 of 3.
        ("cat    ", ["cut"], 6 / 7),
        # A sharp s is measured as two letters.
        ("straße", ["strase"], 6 / 7),
        ("ab", ["bc"], 0.0),
        ("", ["", "a"], 0.0),
        (" \n", [" "], 0.0),
    ],
)
def test_anls(prediction: str, references: list[str], score: float) -> None:
    assert anls(prediction, references) == pytest.approx(score, abs=1e-12)


@pytest.mark.parametrize(
    ("answer", "gold", "swapped", "standard"),
    [
        ("10.5", "10", 1, 1),
        ("9.5", "10", 0, 1),
        ("95.2", "100", 0, 1),
        ("105.1", "100", 1, 0),
        ("0", "0.0", 0, 0),
        ("0", "0", 1, 1),
        ("23%", "0.23", 1, 1),
        ("Yes", "yes", 1, 1),
        ("1,000", "1000", 0, 0),
        ("$5", "5", 0, 0),
        ("-10", "10", 0, 0),
        ("nan", "NaN", 0, 0),
        ("inf", "inf", 0, 0),
        ("%", "%", 1, 1),
        ("", "", 0, 0),
    ],
)
def test_relaxed_accuracy_in_both_orders(answer: str, gold: str, swapped: int, standard: int) -> None:
    assert relaxed_accuracy_internvl(answer, [gold]) == swapped
    assert relaxed_accuracy_standard(answer, [gold]) == standard


def test_relaxed_accuracy_takes_the_best_reference_and_only_the_original_order_trims_words() -> None:
    assert relaxed_accuracy_standard("7", ["5", "7.1"]) == 1.0
    assert relaxed_accuracy_internvl("7", ["5", "7.1"]) == 1.0
    assert relaxed_accuracy_internvl(" red\n", ["Red"]) == 1.0
    assert relaxed_accuracy_standard(" red\n", ["Red"]) == 0.0


@pytest.mark.parametrize(
    ("raw", "normalised"),
    [
        ("The 3 dogs, and one cat's tail.", "3 dogs and 1 cat 's tail"),
        ("Two-way", "2 way"),
        ("$5.00", "$5.00"),
        ("dont", "don't"),
        ("T.V.", "tv"),
        ("10:30 a.m.", "10:30 am"),
        ("well- known", "well known"),
        # A sign beside a blank anywhere goes without a trace everywhere.
        ("a-b - c-d", "ab cd"),
        ("none\tof\nthem", "0 of them"),
        ("somebody'd", "somebodyd"),
        ("y'alld've", "y'all'd've"),
        ("the", ""),
        ("." * 40, "." * 8),
    ],
)
def test_a_normalised_answer(raw: str, normalised: str) -> None:
    assert vqa_answer_normalise(raw) == normalised


def test_in_the_other_order_a_comma_in_a_number_takes_all_signs_with_it() -> None:
    assert vlmevalkit_normalise("1,000-2,000") == "10002000"
    assert vqa_answer_normalise("1,000-2,000") == "1000 2000"
    assert vlmevalkit_normalise("Cat's?") == "cat's"


def test_contractions_are_those_of_the_official_map() -> None:
    # 120 keys in the original, of which "let's" and "she's" name themselves and four begin with a capital I.
    assert len(CONTRACTIONS) == 114
    assert CONTRACTIONS["couldn'tve"] == CONTRACTIONS["couldnt've"] == "couldn't've"
    assert not CONTRACTIONS.keys() & {"ill", "its", "lets", "shes", "were", "well", "hell", "shell", "id", "im", "ive"}


@pytest.mark.parametrize(
    ("prediction", "references", "score"),
    [
        ("Coca-Cola", ["coca cola"] * 3 + ["coke"] * 5 + ["coca-cola"] * 2, 1.0),
        ("5", ["five"] * 2 + ["5"] + ["6"] * 7, 0.9),
        ("stop.", ["stop"] * 10, 1.0),
        ("pepsi", ["coke"] * 10, 0.0),
        ("one", ["1"] + ["2"] * 9, 0.3),
        ("one", ["1"] * 2 + ["2"] * 8, 0.6),
        ("", [""] * 10, 0.0),
    ],
)
def test_agreement_with_ten_people(prediction: str, references: list[str], score: float) -> None:
    assert vqa_accuracy_10(prediction, references) == pytest.approx(score)


@pytest.mark.parametrize(
    ("prediction", "references", "score"),
    [
        ("stop", ["stop", "stop", "go"], 4 / 9),
        ("blue", ["blue"] * 3, 2 / 3),
        ("blue", ["blue"] * 4 + ["red"] * 6, 1.0),
        ("blue", ["blue"], 0.0),
        ("", ["", ""], 0.0),
    ],
)
def test_agreement_with_any_number_of_people(prediction: str, references: list[str], score: float) -> None:
    assert vqa_score_vlmevalkit(prediction, references) == pytest.approx(score)


@pytest.mark.parametrize(
    ("prediction", "references", "score"),
    [("B", ["b"], 1), ("b ", ["B"], 1), ("B.", ["B"], 0), ("cat", ["dog", "Cat"], 1), ("", [""], 0), (" ", ["a"], 0)],
)
def test_exact_match(prediction: str, references: list[str], score: int) -> None:
    assert exact_match(prediction, references) == score


@pytest.mark.parametrize("metric", [anls, relaxed_accuracy_standard, relaxed_accuracy_internvl, exact_match, vqa_score_vlmevalkit])
def test_without_references_there_is_no_score(metric: object) -> None:
    with pytest.raises(EvalError, match="at least one reference"):
        metric("a", [])  # type: ignore[operator]


def test_ten_people_are_ten() -> None:
    with pytest.raises(EvalError, match="10 people, not 9"):
        vqa_accuracy_10("a", ["a"] * 9)
