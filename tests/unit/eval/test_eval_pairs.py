"""Runs are compared over the ids both have, with the same reference, and over nothing else."""

from __future__ import annotations

import math
from typing import Any

import pytest

from internvl.eval.errors import EvalError
from internvl.eval.pairs import difference, pair_samples, per_sample_differences, score_of
from internvl.eval.sample import Scored


def scored(name: str, score: Any, *, reference: Any = "x", **extra: Any) -> Scored:
    return Scored(id=name, row=1, answers=(f"said {name}",), reference=reference, extra=extra, score={"score": score})


def test_order_does_not_matter_and_what_one_run_lacks_is_counted() -> None:
    first = [scored("a", 1.0), scored("b", 0.0), scored("c", 1.0)]
    second = [scored("d", 1.0), scored("c", 0.0), scored("b", 1.0)]
    pairs = pair_samples(first, second)
    assert [(a.id, b.id) for a, b in zip(pairs.first, pairs.second, strict=True)] == [("b", "b"), ("c", "c")]
    assert (pairs.only_first, pairs.only_second, pairs.changed) == (1, 1, 0)
    assert pairs.left_out == "1 only in the first, 1 only in the second"


def test_another_reference_is_another_question() -> None:
    pairs = pair_samples(
        [scored("a", 1.0), scored("b", 1.0, reference=["u", "v"])],
        [scored("a", 1.0, reference="y"), scored("b", 0.0, reference=["u", "v"])],
    )
    assert [row.id for row in pairs.first] == ["b"]
    assert pairs.left_out == "1 with another reference"


def test_an_id_twice_is_refused() -> None:
    with pytest.raises(EvalError, match="second run has sample 'a' twice"):
        pair_samples([scored("a", 1.0)], [scored("a", 1.0), scored("a", 0.0)])


def test_the_difference_is_second_minus_first_with_mcnemar_for_right_and_wrong() -> None:
    first = [scored(str(i), float(i < 40)) for i in range(100)]
    second = [scored(str(i), float(i < 50 and i != 0)) for i in range(100)]
    found = difference(pair_samples(first, second))
    assert (found.wins, found.losses, found.ties) == (10, 1, 89)
    assert (found.first_mean, found.second_mean) == (0.40, 0.49)
    assert found.interval.mean == pytest.approx(0.09)
    assert 0 < found.interval.low < 0.09 < found.interval.high < 0.2
    assert found.p == pytest.approx(2 * 12 / 2**11)
    assert (found.binary, found.test) == (True, "McNemar, exact")


def test_graded_scores_get_the_sign_test() -> None:
    found = difference(pair_samples([scored("a", 0.3), scored("b", 1)], [scored("a", 0.6), scored("b", 1)]))
    assert (found.test, found.wins, found.ties) == ("sign test", 1, 1)


def test_samples_of_one_picture_may_be_drawn_together() -> None:
    first = [scored(str(i), 0.0, picture=i // 10) for i in range(100)]
    second = [scored(str(i), float(i % 20 < 10), picture=i // 10) for i in range(100)]
    pairs = pair_samples(first, second)
    apart, together = difference(pairs), difference(pairs, group_by="picture")
    assert together.interval.groups == 10
    assert together.interval.high - together.interval.low > 2 * (apart.interval.high - apart.interval.low)
    with pytest.raises(EvalError, match="no 'page' to group by; it has picture"):
        difference(pairs, group_by="page")


def test_nothing_in_common_can_not_be_compared() -> None:
    with pytest.raises(EvalError, match="no sample in common"):
        difference(pair_samples([scored("a", 1.0)], [scored("b", 1.0)]))


@pytest.mark.parametrize("value", [None, "1", True, math.nan, math.inf])
def test_a_score_is_a_finite_number(value: Any) -> None:
    with pytest.raises(EvalError, match="sample 'a'"):
        score_of(scored("a", value))


def test_differences_come_largest_first_and_ties_stay_out() -> None:
    first = [scored("a", 0.0), scored("b", 1.0), scored("c", 0.5), scored("d", 1.0)]
    second = [scored("a", 0.25), scored("b", 0.0), scored("c", 1.0), scored("d", 1.0)]
    rows = list(per_sample_differences(pair_samples(first, second)))
    assert [(row["id"], row["difference"]) for row in rows] == [("b", -1.0), ("c", 0.5), ("a", 0.25)]
    assert rows[0]["answers"] == [["said b"], ["said b"]]
