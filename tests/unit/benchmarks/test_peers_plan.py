"""What the comparison measures: order of rounds, parts, quick runs, and who is not prepared."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.peers.jobs import Place, missing, pictures_of
from benchmarks.peers.plan import CONTENDERS, PART_NAMES, Plan
from PIL import Image


def test_rounds_turn_around_and_take_parts_as_often_as_planned() -> None:
    jobs = list(Plan().jobs("1b"))
    first = [contender.name for number, contender, _ in jobs if number == 0]
    assert first == [contender.name for contender in CONTENDERS if contender.rounds["1b"][0]]
    assert [contender.name for number, contender, _ in jobs if number == 1][-1] == "internvl int4"
    sevens = sum("seven" in parts for _, contender, parts in jobs if contender.name == "llama.cpp q4_0")
    assert sevens == next(each for each in CONTENDERS if each.name == "llama.cpp q4_0").rounds["1b"][1]


def test_a_quick_run_is_one_round_without_the_longest_part() -> None:
    jobs = list(Plan(quick=True).jobs("nano"))
    assert {number for number, _, _ in jobs} == {0}
    assert {part for _, _, parts in jobs for part in parts} == {"one", "seven"}


def test_everything_is_all_parts_with_all() -> None:
    jobs = list(Plan(everything=True, rounds=2).jobs("1b"))
    assert len(jobs) == 2 * len(CONTENDERS)
    assert all(parts == list(PART_NAMES) for _, _, parts in jobs)


def test_names_and_parts_narrow_a_run() -> None:
    jobs = list(Plan(names=("openvino",), parts=("batch",)).jobs("nano"))
    assert {contender.program for _, contender, _ in jobs} == {"openvino"}
    assert {tuple(parts) for _, _, parts in jobs} == {("batch",)}


def test_who_is_not_prepared_is_told_apart(tmp_path: Path) -> None:
    place = Place(peers=tmp_path, cache=tmp_path, threads=1)
    absent = {each.program for each in CONTENDERS if missing(each, "nano", place)}
    assert absent == {"llama.cpp", "openvino"}


@pytest.mark.parametrize(("part", "size"), [("one", (448, 448)), ("seven", (1344, 896)), ("thirteen", (1792, 1344))])
def test_pictures_have_the_size_that_makes_the_tiles(tmp_path: Path, part: str, size: tuple[int, int]) -> None:
    pictures = pictures_of("nano", tmp_path)
    with Image.open(pictures[part][0].path) as image:
        assert image.size == size
    assert len({picture.seed for group in pictures.values() for picture in group}) == sum(len(group) for group in pictures.values())
