"""`internvl compare`: a table, JSON, files, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from compare_runs_made import write_run
from typer.testing import CliRunner, Result

from internvl.cli.main import app


def run(*words: object) -> Result:
    """The command line on words."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two runs of DocVQA by a model with published scores."""
    fields = {"task": "docvqa", "title": "DocVQA", "split": "test", "published": "DocVQA test", "model": "OpenGVLab/InternVL2-2B"}
    write_run(tmp_path / "before", [1, 0, 0, 0], **fields)  # type: ignore[arg-type]
    write_run(tmp_path / "after", [1, 1, 1, 0], **fields)  # type: ignore[arg-type]
    return tmp_path / "before", tmp_path / "after"


def test_runs_stand_side_by_side_with_their_models_published_scores(folders: tuple[Path, Path]) -> None:
    shown = run("compare", *folders, "--resamples", 200)
    assert shown.exit_code == 0
    for words in ("before", "after - before", "+50.00", "InternVL2-2B (published)", "86.9", "published with 18 tiles, here 6"):
        assert words in shown.stdout
    assert "(published)" not in run("compare", *folders, "--published", "none", "--resamples", 200).stdout


def test_json_is_whole(folders: tuple[Path, Path]) -> None:
    shown = json.loads(run("compare", *folders, "--json", "--resamples", 200, "--published", "internvl2-8b").stdout)
    (entry,) = shown["benchmarks"]
    assert entry["runs"][1]["difference"]["better"] == 2
    assert entry["published"][0]["model"] == "InternVL2-8B"
    assert shown["statistics"]["resamples"] == 200


def test_differences_plot_and_report_are_written(folders: tuple[Path, Path], tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("d.jsonl", "p.svg", "r.html")]
    shown = run("compare", *folders, "--resamples", 200, "--differences", files[0], "--plot", files[1], "--report", files[2])
    assert shown.exit_code == 0
    assert [json.loads(line)["id"] for line in files[0].read_text().splitlines()] == ["q1", "q2"]
    assert files[1].read_bytes().startswith(b"<?xml")
    assert "<!doctype html>" in files[2].read_text()


def test_impossible_requests_are_sentences(folders: tuple[Path, Path], tmp_path: Path) -> None:
    cases = (
        (("compare", tmp_path / "absent"), 1, "is no folder"),
        (("compare", *folders, "--published", "InternVL9"), 1, "no scores of 'InternVL9'"),
        (("compare", *folders, "--report", "a.pdf"), 2, "FILE.html"),
        (("compare", *folders, "--kind", "bars"), 2, "--plot FILE"),
        (("compare", *folders, "--plot", "a.png", "--log-x"), 2, "--kind tiles"),
        (("compare", *folders, "--plot", "a.gif"), 1, ".png, .svg, .pdf"),
    )
    for words, code, sentence in cases:
        shown = run(*words)
        assert (shown.exit_code, sentence in shown.output) == (code, True), shown.output
