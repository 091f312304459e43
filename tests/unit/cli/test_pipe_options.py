"""What the verbs of the data engine share: a run with a bar, its report as a table and as JSON, and the list of verbs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from internvl.cli.data import app
from internvl.cli.pipeline_options import note_shards, print_report, run_with_bar
from internvl.pipelines.run import RunConfig
from internvl.pipelines.shards import write_shards

pytest.importorskip("pyarrow")


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    lines = [{"caption": "a sign"}, {"caption": 7}, {"image": "gone.png", "caption": "a tree"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return RunConfig(inputs=(tmp_path / "a.jsonl",), out=tmp_path / "out", unit_rows=2)


def test_the_report_names_kinds_of_reasons(config: RunConfig, capsys: pytest.CaptureFixture[str]) -> None:
    report = run_with_bar(config, [], quiet=False)
    print_report(report, as_json=False)
    shown = capsys.readouterr()
    assert "dropped: bad record" in shown.out
    assert "33.3 %" in shown.out
    assert "ledger.jsonl" in shown.err
    print_report(run_with_bar(config, [], quiet=True), as_json=True)
    shown = capsys.readouterr()
    assert json.loads(shown.out)["by_kind"] == {"bad record": 1, "missing picture": 1}
    assert "2 of 2 units were done before" in shown.err


def test_shards_are_told(config: RunConfig, capsys: pytest.CaptureFixture[str]) -> None:
    run_with_bar(config, [], quiet=True)
    note_shards(write_shards(config.out, form="jsonl"))
    told = " ".join(capsys.readouterr().err.split())
    assert "1 samples in 1 shards" in told
    assert "read again" not in told


def test_every_verb_of_data_explains_itself() -> None:
    listed = CliRunner().invoke(app, ["--help"])
    assert listed.exit_code == 0
    assert "check" in listed.stdout
    for command in app.registered_commands:
        told = CliRunner().invoke(app, [str(command.name), "--help"])
        assert told.exit_code == 0, told.output
        assert "internvl data" in told.stdout
