"""`internvl data convert` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from internvl.cli.main import app


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["data", "convert", *(str(word) for word in words)])


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    path = tmp_path / "train_human.json"
    path.write_text(json.dumps([{"imgname": "a.png", "query": "Q?", "label": "1"}, {"imgname": "b.png"}]), "utf-8")
    return path


def test_a_data_set_is_converted_and_counted(charts: Path, tmp_path: Path) -> None:
    out = tmp_path / "chartqa.jsonl"
    result = run("chartqa", "-a", charts, "-o", out)
    assert result.exit_code == 0
    assert "refused: missing field" in result.stdout
    assert len(out.read_text("utf-8").splitlines()) == 1
    report = json.loads(run("chartqa", "-a", charts, "-o", out, "--json").stdout)
    assert {key: report[key] for key in ("records", "answers", "refused")} == {
        "records": 1,
        "answers": 1,
        "refused": {"missing field": 1},
    }


def test_all_data_sets_are_listed_and_each_is_explained() -> None:
    assert "docvqa" in run("--list").stdout
    assert len(json.loads(run("--list", "--json").stdout)) >= 61
    shown = run("refcoco", "--list").stdout
    assert "annotations: refs, [instances]" in shown
    assert "tasks (--ask): locate, describe, both" in shown
    assert "pickle" in shown


def test_what_is_missing_or_unknown_is_said(charts: Path, tmp_path: Path) -> None:
    assert run("chartqa").exit_code == 2
    result = run("chartqaa", "-a", charts, "-o", tmp_path / "o.jsonl")
    assert result.exit_code == 1
    assert "did you mean chartqa" in result.output
    (tmp_path / "names.json").write_text("[1]", "utf-8")
    assert run("chartqa", "-a", charts, "-o", tmp_path / "o.jsonl", "--names", tmp_path / "names.json").exit_code == 2
    (tmp_path / "prompts.txt").write_text("\n", "utf-8")
    assert run("chartqa", "-a", charts, "-o", tmp_path / "o.jsonl", "--prompts", tmp_path / "prompts.txt").exit_code == 2
