"""Runs side by side: what is paired, what is flagged, what stays a quotation, and which folders are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from compare_runs_made import write_run

from internvl.eval.compare import Comparison, Statistics, all_differences, compare_runs, load_run, load_runs
from internvl.eval.errors import EvalError
from internvl.eval.published import published_row
from internvl.eval.results import RESULT_FILE, SAMPLES_FILE, load_result
from internvl.eval.score_table import columns, rows, to_dict
from internvl.eval.shown_score import published_value

FAST = Statistics(resamples=500)
DOCVQA = {"task": "docvqa", "title": "DocVQA", "split": "test", "published": "DocVQA test"}


def compared(*folders: Path, models: tuple[str, ...] = (), statistics: Statistics = FAST) -> Comparison:
    return compare_runs(load_runs(folders), models=models, statistics=statistics)


def test_two_runs_are_paired_by_id(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1, 0, 0, 1], ids=["1", "2", "3", "4"], references=["x"] * 4)
    write_run(tmp_path / "b", [1, 1, 1, 0], ids=["3", "2", "1", "5"], references=["x"] * 4)
    (line,) = compared(tmp_path / "a", tmp_path / "b").lines
    cell = line.cells[1]
    assert cell is not None
    assert cell.difference is not None
    assert (cell.difference.interval.n, cell.difference.wins, cell.difference.losses) == (3, 2, 0)
    assert "a, b: not compared are 1 only in the first, 1 only in the second" in line.flags


def test_published_scores_stand_in_columns_of_their_own(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1, 1, 0, 1], tiles=6, **DOCVQA)
    found = compared(tmp_path / "a", models=("InternVL2-8B", "InternVL-C"))
    assert [name for name, _ in columns(found)] == [
        "benchmark", "samples", "a", "95 % interval", "InternVL2-8B (published)", "InternVL-C (published)",
    ]  # fmt: skip
    (row,) = rows(found)
    assert (row[0], row[2], row[4], row[5]) == ("DocVQA test", "75.00", "91.6", "-")
    (line,) = found.lines
    assert [score.model for score in line.published] == ["InternVL2-8B"]
    assert "a, InternVL2-8B: published with 18 tiles, here 6" in line.flags
    (entry,) = to_dict(found)["benchmarks"]
    assert [run["headline"] for run in entry["runs"]] == [75.0]
    assert entry["published"][0]["document"] == "InternVL blog and model zoo pages"


def test_the_published_part_of_the_same_tool_is_not_flagged(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1, 0], task="mmmu", title="MMMU", published="MMMU val", variant="vlmevalkit-2024")
    (line,) = compared(tmp_path / "a", models=("InternVL2-8B",)).lines
    assert not any("way of asking" in flag for flag in line.flags)


def test_recipes_that_differ_are_named(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1, 0], tiles=6, judge="gpt-4")
    folder = write_run(tmp_path / "b", [1, 0], tiles=12, judge="mine")
    content = json.loads((folder / RESULT_FILE).read_text())
    content["recipe"]["questions"] = "sha256:33"
    (folder / RESULT_FILE).write_text(json.dumps(content))
    (line,) = compared(tmp_path / "a", tmp_path / "b").lines
    assert line.flags == (
        "a, b: tiles 6 against 12",
        "a, b: judge gpt-4 against mine",
        "a, b: questions or references differ",
    )


def test_two_variants_are_one_line_when_each_run_has_one(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1, 0])
    write_run(tmp_path / "b", [1, 1], variant="vlmevalkit-2024")
    (line,) = compared(tmp_path / "a", tmp_path / "b").lines
    assert "a, b: variant internvl against vlmevalkit-2024" in line.flags
    write_run(tmp_path / "b", [0, 1])
    both = compared(tmp_path / "a", tmp_path / "b").lines
    assert [line.name for line in both] == ["Toy val, 6 tiles", "Toy val, vlmevalkit-2024, 6 tiles"]
    assert both[1].cells[0] is None


def test_a_tile_ablation_is_a_line_a_limit_in_order(tmp_path: Path) -> None:
    for tiles in (12, 1, 6):
        write_run(tmp_path / "a", [1, 0], tiles=tiles, ablation=True)
    write_run(tmp_path / "a", [1, 0], tiles=6)
    names = [line.name for line in compared(tmp_path / "a").lines]
    assert sorted(names) == sorted(["Toy val, 6 tiles", "Toy val, 1 tile", "Toy val, 6 tiles", "Toy val, 12 tiles"])
    assert names.index("Toy val, 1 tile") < names.index("Toy val, 12 tiles")


def test_a_score_without_headline_stays_in_brackets_and_says_why(tmp_path: Path) -> None:
    write_run(
        tmp_path / "a", [1, 0, 0, 0], headline=None, scores={}, unofficial={"accuracy": 0.25}, notes=("no headline: judged by mine",)
    )
    found = compared(tmp_path / "a")
    assert next(rows(found))[2] == "(25.00)"
    assert found.lines[0].flags == ("a: no headline: judged by mine",)
    assert to_dict(found)["benchmarks"][0]["runs"][0]["headline"] is None


def test_a_headline_that_is_no_mean_is_said_to_be_none(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1, 0, 1, 0], headline=1234.5, scale=1.0)
    write_run(tmp_path / "b", [1, 1, 1, 0], headline=1534.5, scale=1.0)
    found = compared(tmp_path / "a", tmp_path / "b")
    assert any("the headline is no mean over samples" in flag for flag in found.lines[0].flags)
    assert next(rows(found))[4].startswith("+25.00 % [")


def test_a_sum_of_hits_differs_in_hits(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0] * 150 + [0.0] * 100, headline=150.0, scale=1.0)
    write_run(tmp_path / "b", [1.0] * 170 + [0.0] * 80, headline=170.0, scale=1.0)
    found = compared(tmp_path / "a", tmp_path / "b")
    assert found.lines[0].flags == ()
    assert next(rows(found))[4].startswith("+20.00 [")


def test_differences_name_benchmark_and_runs(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1, 0, 0])
    write_run(tmp_path / "b", [1, 1, 0])
    write_run(tmp_path / "c", [0, 0, 0])
    rows_found = list(all_differences(compared(tmp_path / "a", tmp_path / "b", tmp_path / "c")))
    assert [(row["runs"], row["id"], row["difference"]) for row in rows_found] == [(["a", "b"], "q1", 1.0), (["a", "c"], "q0", -1.0)]


def test_runs_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    for place in ("x", "y"):
        write_run(tmp_path / place / "run", [1])
    assert [run.name for run in load_runs([tmp_path / "x" / "run", tmp_path / "y" / "run"])] == ["run (1)", "run (2)"]


def test_one_result_is_a_run(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", [1, 0])
    assert [result.task for result in load_run(folder).results] == ["toy"]


def test_folders_that_hold_no_results_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="no folder"):
        load_run(tmp_path / "absent")
    with pytest.raises(EvalError, match=r"holds no result\.json"):
        load_run(tmp_path)


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"format": 1, "task": "toy"}', '{"format": 99}'])
def test_damaged_results_are_refused(tmp_path: Path, text: str) -> None:
    folder = write_run(tmp_path / "a", [1])
    (folder / RESULT_FILE).write_text(text)
    with pytest.raises(EvalError, match=r"result\.json"):
        load_run(tmp_path / "a")


def test_damaged_samples_are_refused_with_their_line(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", [1, 0])
    with (folder / SAMPLES_FILE).open("a") as file:
        file.write('{"id": 7}\n')
    with pytest.raises(EvalError, match=r"samples\.jsonl:3"):
        compared(tmp_path / "a")


def test_no_run_may_have_a_sample_twice(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1, 0])
    write_run(tmp_path / "b", [1, 0], ids=["q0", "q0"])
    with pytest.raises(EvalError, match="twice"):
        compared(tmp_path / "a", tmp_path / "b")


def test_grouping_by_an_unknown_field_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1, 0], extra=[{"page": 1}, {"page": 1}])
    assert compared(tmp_path / "a", statistics=Statistics(group_by="page")).lines[0].cells[0].mean.groups == 1  # type: ignore[union-attr]
    with pytest.raises(EvalError, match="it has page"):
        compared(tmp_path / "a", statistics=Statistics(group_by="sheet"))


@pytest.mark.parametrize(
    ("row", "fields", "value"),
    [
        ("MMMU val", {"variant": "vlmevalkit-2024"}, 51.2),
        ("MMMU val", {"variant": "internvl"}, 49.3),
        ("MMMU val", {"variant": "own"}, None),
        ("DocVQA test", {"variant": "own"}, 91.6),
    ],
)
def test_a_published_pair_is_read_by_variant_or_not_at_all(
    tmp_path: Path, row: str, fields: dict[str, str], value: float | None
) -> None:
    result = load_result(write_run(tmp_path, [1, 0], variant=fields["variant"]))
    cell = published_row(row).of("InternVL2-8B")
    assert cell is not None
    assert published_value(result, cell) == value
