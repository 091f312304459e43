"""The command line run in this process on tiny checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runs import FIXTURES, Run
from typer.testing import CliRunner, Result

from internvl.cli.main import app


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line on words; `stdin` is what is piped in."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("COLUMNS", raising=False)

    def invoke(*words: object, stdin: str = "") -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], input=stdin)

    return invoke


@pytest.fixture
def model() -> Path:
    """A chat model with random weights, small enough to answer at once."""
    return FIXTURES / "internvl2-qwen2"


@pytest.fixture
def pictures() -> list[Path]:
    """The pictures that the golden answers are about."""
    return [FIXTURES / f"image{i}.png" for i in range(5)]


@pytest.fixture
def golden(model: Path) -> dict[str, dict[str, Any]]:
    """What the original implementation answered, by kind of case."""
    return {case["kind"]: case for case in json.loads((model / "golden.json").read_text("utf-8"))["cases"]}
