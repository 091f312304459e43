"""Laws of the metrics: fast forms equal the plain definitions, scores stay in range, normalising is stable where it should be."""

from __future__ import annotations

import re
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from internvl.eval.metrics.anls import anls
from internvl.eval.metrics.edit_distance import edit_distance
from internvl.eval.metrics.mmmu_numbers import numbers_in
from internvl.eval.metrics.relaxed import relaxed_accuracy_internvl, relaxed_accuracy_standard
from internvl.eval.metrics.vqa import vqa_accuracy_10, vqa_score_vlmevalkit

SHORT = st.text(alphabet="ab c", max_size=12)
NUMERIC = st.text(alphabet="012.,-+eE x٣²\n", max_size=30)
# The three scans as the official parser has them; quadratic, so for short texts only.
SCANS = (r"-?\b\d{1,3}(?:,\d{3})+\b", r"-?\d+(?:\.\d+)?[eE][+-]?\d+", r"-?(?:\d+\.\d+|\.\d+|\d+\b)(?![eE][+-]?\d+)(?![,\d])")


@settings(max_examples=150, deadline=None)
@given(SHORT, SHORT)
def test_the_edit_distance_is_that_of_the_recursion(first: str, second: str) -> None:
    @cache
    def plain(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        return min(plain(i - 1, j) + 1, plain(i, j - 1) + 1, plain(i - 1, j - 1) + (first[i - 1] != second[j - 1]))

    assert edit_distance(first, second) == edit_distance(second, first) == plain(len(first), len(second))


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=150), st.text(max_size=150))
def test_edits_are_at_least_the_difference_in_length_and_at_most_the_longer(first: str, second: str) -> None:
    distance = edit_distance(first, second)
    assert abs(len(first) - len(second)) <= distance <= max(len(first), len(second))
    assert (distance == 0) == (first == second)


@settings(max_examples=300, deadline=None)
@given(NUMERIC)
def test_numbers_are_those_of_the_plain_patterns(text: str) -> None:
    assert numbers_in(text) == [number for scan in SCANS for number in re.findall(scan, text)]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_anls_is_0_or_from_one_half_to_1_and_grows_with_references(prediction: str, references: list[str]) -> None:
    score = anls(prediction, references)
    assert score == 0 or 0.5 <= score <= 1
    assert anls(prediction, [*references, "another"]) >= score
    if prediction.strip():
        assert anls(prediction, [*references, prediction]) == 1


@settings(max_examples=100, deadline=None)
@given(st.floats(min_value=0.01, max_value=1e6), st.floats(min_value=0.5, max_value=2))
def test_the_two_orders_of_relaxed_accuracy_mirror_each_other(number: float, factor: float) -> None:
    one, other = repr(number), repr(number * factor)
    assert relaxed_accuracy_standard(one, [other]) == relaxed_accuracy_internvl(other, [one])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10))
def test_ten_people_by_leave_one_out(agreed: int) -> None:
    answers = ["yes"] * agreed + ["no"] * (10 - agreed)
    mean = sum(min(1, (agreed - (place < agreed)) / 3) for place in range(10)) / 10
    assert abs(vqa_accuracy_10("Yes.", answers) - mean) < 1e-12
    assert abs(vqa_score_vlmevalkit("Yes.", answers) - mean) < 1e-12
