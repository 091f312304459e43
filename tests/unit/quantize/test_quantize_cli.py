"""`internvl quantize`, and what the other verbs do with its folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from quantised_folders import FIXTURES, QWEN2
from typer.testing import CliRunner, Result

from internvl.cli.main import app

FEW = ("--set", "calibration.samples=4", "--set", "calibration.answer_tokens=3")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_table_a_report_and_a_folder_that_the_other_verbs_take(tmp_path: Path) -> None:
    out = tmp_path / "model"
    pictures = [word for number in range(3) for word in ("--pictures", FIXTURES / f"image{number}.png")]
    result = run("quantize", QWEN2, "--to", "int4", "--out", out, *pictures, *FEW)
    assert result.exit_code == 0, result.output
    for word in ("vision encoder", "projector", "language model", "head", "embedding", "whole model", "divergence", "held-out"):
        assert word in result.output, word
    assert json.loads((out / "quantization_report.json").read_text("utf-8"))["name"] == "int4"

    chat = run("chat", "-m", out, FIXTURES / "image0.png", "-q", "What is it?", "--set", "max_new_tokens=3", "--quiet")
    assert chat.exit_code == 0, chat.output
    shown = json.loads(run("show", out, "--json").stdout)
    assert shown["layout"] == "quantised"
    assert shown["quantization"].startswith("int4 (")

    refused = run("convert", out, tmp_path / "native", "--to", "native")
    assert refused.exit_code == 1
    assert refused.output.startswith("error: ")
    assert "--dtype" in refused.output
    assert run("convert", out, tmp_path / "native", "--to", "native", "--dtype", "bfloat16").exit_code == 0
    assert json.loads(run("show", tmp_path / "native", "--json").stdout)["layout"] == "native"


def test_json_only(tmp_path: Path) -> None:
    result = run("quantize", QWEN2, "--to", "int8", "--out", tmp_path / "model", "--json", "--set", "plan.keep=projector", *FEW)
    values = json.loads(result.stdout)
    assert values["parts"][1]["kinds"] == {"float": 2}
    assert values["plan"]["keep"] == ["projector"]


@pytest.mark.parametrize(
    "words",
    [
        ("--to", "int3"),
        ("--to", "int8", "--set", "plan.nonsense=1"),
        ("--to", "int8", "--set", "plan.group=many"),
        ("--to", "int8", "--pictures", "nowhere"),
        ("--to", "int8", "--pictures", FIXTURES / "image0.png"),
        ("--to", "int8", "--max-shard-size", "huge"),
    ],
)
def test_wrong_words_are_usage_errors(words: tuple[object, ...], tmp_path: Path) -> None:
    result = run("quantize", QWEN2, "--out", tmp_path / "model", *words)
    assert result.exit_code == 2, result.output
    assert result.output.startswith("error: ")
    assert not (tmp_path / "model").exists()
