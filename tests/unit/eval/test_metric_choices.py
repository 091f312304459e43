"""Letters out of free answers: the rules of the original repository, of VLMEvalKit and of MMMU."""

from __future__ import annotations

import pytest

from internvl.eval.errors import EvalError
from internvl.eval.metrics.choices import internvl_mcq_post_process, mcq_can_infer_2024, mcq_can_infer_head
from internvl.eval.metrics.mmbench import mmbench_circular, rotated
from internvl.eval.metrics.mmmu import mmmu_open, mmmu_parse_mc
from internvl.eval.metrics.yesno import yesno_extract_vlmevalkit

DOGS = {"A": "a dog", "B": "two cats", "C": "bird", "D": "nothing"}
PETS = {"A": "cat", "B": "dog", "C": "Bird"}
COLOURS = {"A": "red apple", "B": "green pear", "C": "blue sky", "D": "yellow sun"}


@pytest.mark.parametrize(
    ("answer", "in_2024", "now"),
    [
        ("B", "B", "B"),
        ("(C)", "C", "C"),
        ("A dog", "A", "A"),
        ("Both A and B", False, False),
        ("bird or cats", "C", "C"),
        ("Sorry, I can't help with images of people yet.", "Z", "Z"),
        ("Z", "Z", "Z"),
        ("Failed to obtain answer via API. bird", False, False),
        ("", False, False),
        (" \n", False, False),
        # Only the rule of 2024 takes a letter from anywhere, such as an article.
        ("A large animal is sitting on the sofa", "A", False),
        ("B is what I would say here now", "B", False),
        ("The answer is **b** because of the two shapes", False, "B"),
        # A letter far from the end is passed over, a verbose phrase still decides.
        ("Answer is C as one can see from the picture", "C", "C"),
        # The rule of today takes an option's text in short answers only.
        ("I think that one can see a bird on the roof there", "C", False),
    ],
)
def test_the_two_matches_of_vlmevalkit(answer: str, in_2024: str | bool, now: str | bool) -> None:
    assert mcq_can_infer_2024(answer, DOGS) == in_2024
    assert mcq_can_infer_head(answer, DOGS) == now


def test_a_match_leaves_the_options_as_they_are() -> None:
    options = {"A": "Paris", "B": "Rome"}
    assert mcq_can_infer_2024("it is paris", options) == "A"
    assert options == {"A": "Paris", "B": "Rome"}


@pytest.mark.parametrize(
    ("answer", "result"),
    [("B", "B"), ("B. dog", "B"), ("the dog", "B"), ("fish", "fish"), ("", ""), (" x ", "x"), ("bird", "bird"), ("a cat, a dog", "A")],
)
def test_the_original_post_processing(answer: str, result: str) -> None:
    assert internvl_mcq_post_process(answer, PETS) == result


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("(B)", "B"),
        ("The answer is C.", "C"),
        ("A B or (D)", "D"),
        ("I think it must be the green pear here", "B"),
        ("(A) or rather (C)", "C"),
        ("A or B", "B"),
        ("not the blue sky but rather the Red Apple", "A"),
        ("green pear", "RANDOM"),
        ("", "RANDOM"),
    ],
)
def test_mmmu_choices(answer: str, letter: str) -> None:
    assert mmmu_parse_mc(answer, "ABCD", COLOURS) == letter


@pytest.mark.parametrize(
    ("answer", "references", "right"),
    [
        ("The answer is 3.14", ["3.14"], True),
        ("x = 1,200", ["1200"], True),
        ("so it is 24/7", ["24"], True),
        ("Paris, France", ["paris"], True),
        ("3.141", ["3.14"], True),
        ("3.15", ["3.14"], False),
        ("x = 3\ny = 4", ["3"], False),
        ("x is 3\ny = 4", ["3"], True),
        ("1.5e3", ["1500"], True),
        ("The final answer is x", ["x"], True),
        ("The final answer is xy", ["x"], False),
        ("London", ["paris", "london"], True),
        ("", ["42"], False),
        ("", [""], False),
    ],
)
def test_mmmu_open_answers(answer: str, references: list[str], right: bool) -> None:
    assert mmmu_open(answer, references) is right


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("Yes, definitely.", "Yes"),
        ("No", "No"),
        ("Yes and no", "Unknown"),
        ("yes/no", "Unknown"),
        ("", "Unknown"),
        ("nothing", "Unknown"),
    ],
)
def test_yes_or_no(answer: str, word: str) -> None:
    assert yesno_extract_vlmevalkit(answer) == word


@pytest.mark.parametrize(
    ("golds", "answers", "hit"),
    [
        ("ABCD", ["A", "B", "C", "D"], 1),
        ("ABCD", ["A", "B", "C", "C"], 0),
        ("BCDA", ["dog", "C", "D", "A"], 1),
        ("BCDA", ["B", "C", "D", "hmm"], 0),
        ("BCDA", ["dog", "dog", "dog", "dog"], 1),
        ("AB", ["A", ""], 0),
    ],
)
def test_a_question_counts_only_when_all_rotations_are_right(golds: str, answers: list[str], hit: int) -> None:
    assert mmbench_circular(answers, golds, ["cat", "dog", "cow", "pig"]) == hit


def test_rotations_move_options_on() -> None:
    assert rotated(["cat", "dog", "cow"], 1) == {"A": "cow", "B": "cat", "C": "dog"}
    assert rotated(["cat", "dog", "cow"], 3) == rotated(["cat", "dog", "cow"], 0)


def test_the_rule_that_reads_letters_can_be_chosen() -> None:
    answers = ["A, as one can see from the picture"] * 2
    assert mmbench_circular(answers, "AA", ["cat", "dog"], matcher="2024") == 1
    assert mmbench_circular(answers, "AA", ["cat", "dog"], matcher="head") == 0


def test_as_many_answers_as_rotations() -> None:
    with pytest.raises(EvalError, match="not 3 and 4"):
        mmbench_circular(["A", "B", "C"], "ABCD", ["cat", "dog", "cow", "pig"])
