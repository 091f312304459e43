"""`internvl score`: rows in, scores out, and every refusal with its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_runs import Run

ROWS = [
    {"id": "a", "prediction": "cats", "reference": ["cart"], "extra": {}},
    {"id": 2, "metric": "anls", "prediction": "Straße", "reference": "straße", "extra": {}},
]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    return path


def test_scores_are_lines_in_the_order_of_the_rows(run: Run, rows: Path) -> None:
    result = run("score", "anls", "--in", rows)
    assert result.exit_code == 0
    assert [json.loads(line) for line in result.stdout.splitlines()] == [{"id": "a", "score": 0.5}, {"id": 2, "score": 1.0}]
    assert "2 rows scored, mean 0.7500" in result.stderr


def test_scores_go_to_a_file(run: Run, rows: Path, tmp_path: Path) -> None:
    target = tmp_path / "scores.jsonl"
    result = run("score", "anls", "--in", rows, "--out", target)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert [json.loads(line)["score"] for line in target.read_text("utf-8").splitlines()] == [0.5, 1.0]


def test_a_row_that_cannot_be_scored_ends_the_run_and_leaves_no_file(run: Run, rows: Path, tmp_path: Path) -> None:
    target = tmp_path / "scores.jsonl"
    with rows.open("a", encoding="utf-8") as file:
        file.write('{"id": 3, "prediction": 5, "reference": "a"}\n')
    result = run("score", "anls", "--in", rows, "--out", target)
    assert result.exit_code == 1
    assert "rows.jsonl, row 3: prediction must be a text, not 5" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_rows_name_their_metrics_where_they_are_mixed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"id": 1, "metric": "exact_match", "prediction": "b ", "reference": "B"}\n'
        '{"id": 2, "metric": "yesno_extract_vlmevalkit", "prediction": "Yes!"}\n',
        "utf-8",
    )
    result = run("score", "mixed", "--in", path)
    assert [json.loads(line)["score"] for line in result.stdout.splitlines()] == [1.0, "Yes"]
    assert run("score", "exact_match", "--in", path).exit_code == 1


def test_options_of_a_metric(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": 1, "prediction": [0.4, 0.8], "reference": ["rec", "rec,know"]}\n', "utf-8")
    result = run("score", "mmvet_aggregate", "--in", path, "--set", "count_single_once=true")
    assert json.loads(result.stdout)["score"]["rec"] == pytest.approx(60)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["anls"], "needs a metric and rows"),
        ([], "needs a metric and rows"),
        (["anls", "--in", "ROWS", "--set", "x=1"], "anls has no option 'x'; options: none"),
        (["mme_aggregate", "--in", "ROWS", "--set", "absent=zero"], "one of perfect, refuse"),
        (["mme_aggregate", "--in", "ROWS", "--set", "absent"], "needs NAME=VALUE"),
        (["anls", "--in", "ROWS", "--out", "ROWS"], "is the file of the rows"),
    ],
)
def test_a_wrong_command_line(run: Run, rows: Path, words: list[str], message: str) -> None:
    result = run("score", *[str(rows) if word == "ROWS" else word for word in words])
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_unknown_metric_is_told_with_its_neighbours(run: Run, rows: Path) -> None:
    result = run("score", "anl", "--in", rows)
    assert result.exit_code == 1
    assert "near are anls" in result.stderr


def test_every_metric_is_listed(run: Run) -> None:
    from internvl.eval.metrics import METRICS

    shown, listed = run("score", "--list"), run("score", "--list", "--json")
    assert shown.exit_code == 0
    assert all(name in shown.stdout for name in METRICS)
    entries = {entry["metric"]: entry for entry in json.loads(listed.stdout)}
    assert entries.keys() == METRICS.keys()
    assert entries["ocrbench_hit"]["input"]["extra.category"] == "a text"
    assert "absent" in entries["mme_aggregate"]["options"]
