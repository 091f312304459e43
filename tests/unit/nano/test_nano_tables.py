"""Tables: answers agree with the data, transcriptions hold every cell, the same seed gives the same table."""

from __future__ import annotations

import random
import re

import pytest
from page_checks import (
    check_boxes_hold_ink,
    check_same_seed_same_sample,
    check_sizes_and_turns,
    check_test_split_has_its_own_look,
    drawn,
)
from recipes.nano.data.families.phrases_reading import REFUSALS
from recipes.nano.data.families.tables import TASKS, Asked, Tables
from recipes.nano.data.families.tables_data import invent, other_columns, other_names

SEEDS = range(28)


@pytest.fixture(scope="module")
def samples():
    return drawn(Tables(), SEEDS)


def test_boxes_hold_ink(samples):
    check_boxes_hold_ink(samples)


def test_sizes_and_turns(samples):
    check_sizes_and_turns(samples)


def test_same_seed_same_sample(samples):
    check_same_seed_same_sample(Tables(), samples)


def test_the_test_split_has_its_own_look(samples):
    check_test_split_has_its_own_look(Tables(), samples)


def asked(seed: int) -> Asked:
    """A question on data alone: no page is drawn."""
    source = random.Random(seed)
    language = source.choice(("en", "zh"))
    return Asked(invent(source, language), None, source, language)


def number(text: str) -> float:
    return float(re.search(r"-?\d+(\.\d+)?", text.replace(",", "").replace("$", "").replace("¥", ""))[0])


def made(task: str, count: int = 150) -> list[tuple[Asked, str, str]]:
    tries = ((one, TASKS[task][1](one)) for one in map(asked, range(count)))
    return [(one, *answer) for one, answer in tries if answer is not None]


def columns_in(one: Asked, question: str) -> list:
    return [column for column in one.data.columns if column.name in question]


def test_extremes_are_extreme():
    for task, best in (("max", max), ("min", min)):
        found = made(task)
        assert len(found) > 60
        for one, question, answer in found:
            row = one.data.rows.index(answer)
            assert any(column.numbers and best(column.numbers) == column.numbers[row] for column in columns_in(one, question)), question


def test_sums_and_differences_are_of_the_shown_numbers():
    for task, expected in (("sum", lambda a, b: a + b), ("difference", lambda a, b: abs(a - b))):
        found = made(task)
        assert len(found) > 40
        for one, question, answer in found:
            rows = [place for place, name in enumerate(one.data.rows) if name in question]
            results = []
            for column in columns_in(one, question):
                shown = [number(column.cells[place]) for place in rows] if column.numbers else []
                results += [expected(a, b) for a in shown for b in shown]
            assert any(abs(result - number(answer)) < 1e-6 for result in results), (question, answer)


def test_counts_and_look_ups():
    for one, question, answer in made("above"):
        assert any(
            sum(value > limit for value in column.numbers) == int(answer)
            for column in columns_in(one, question)
            for limit in column.numbers or ()
        ), question
    for one, question, answer in made("cell"):
        assert any(answer in column.cells for column in columns_in(one, question)), question
    assert all(int(answer) == len(one.data.rows) for one, _, answer in made("rows"))


def test_transcriptions_hold_every_cell():
    for one, _, answer in made("markdown"):
        lines = answer.split("\n")
        assert len(lines) == 2 + len(one.data.rows) + bool(one.data.total)
        assert len({line.count("|") for line in lines}) == 1
    for one, _, answer in made("html"):
        assert answer.count("<td>") == len(one.data.columns) * (len(one.data.rows) + bool(one.data.total))
        assert "data-" not in answer
        assert "class" not in answer
        assert answer.count("rowspan=") == len(one.data.blocks) + (1 + bool(one.data.blocks)) * bool(one.data.groups)


def test_absent_names_are_absent():
    for one in map(asked, range(60)):
        shown = one.data.bare_html()
        assert not any(name in shown for name in other_names(one.data, one.source, one.language))
        assert not any(name in shown for name in other_columns(one.data, one.source, one.language))
    assert all(answer == REFUSALS[one.language] for one, _, answer in made("absent"))
