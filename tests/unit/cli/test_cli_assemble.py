"""`internvl assemble`: a table of what came from where, and a folder that chats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from cli_runs import FIXTURES
from typer.testing import CliRunner, Result

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.cli.assemble import assemble
from internvl.cli.console import UsageError
from internvl.errors import CheckpointError, ConfigError
from internvl.models.build import meta_model

QWEN2, LLAMA3 = FIXTURES / "internvl2-qwen2", FIXTURES / "internvl2-llama3"


@pytest.fixture
def verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    app = typer.Typer()
    app.command()(assemble)

    def run(*words: object, **options: object) -> Result:
        known = {"vision": QWEN2, "language": LLAMA3, "template": "internlm2-chat", "out": tmp_path / "out", "image-size": 56}
        pairs = [str(word) for name, value in (known | options).items() for word in (f"--{name}", value)]
        return CliRunner().invoke(app, [*pairs, *map(str, words)])

    return run


def test_it_prints_parts_counts_and_sources(verb: Any, tmp_path: Path) -> None:
    result = verb()
    assert result.exit_code == 0, result.output
    for word in ("vision encoder", "projector", "language model", "random, seed 0", "float32", "internvl2-llama3"):
        assert word in result.output, word
    counts = [f"{sum(p.numel() for p in part.parameters()):,}" for part in meta_model(Checkpoint(tmp_path / "out").config).children()]
    assert all(count in result.output for count in counts), counts
    assert "none, the tokenizer had all of them" in result.output
    assert Checkpoint(tmp_path / "out").config.template == "internlm2-chat"


def test_json(verb: Any, tmp_path: Path) -> None:
    values = json.loads(verb("--json", projector=QWEN2).stdout)
    assert values["folder"] == str(tmp_path / "out")
    assert [part["name"] for part in values["parts"]] == ["vision_encoder", "projector", "language_model"]
    assert values["parts"][1]["source"] == str(QWEN2)
    assert values["new_tokens"] == {}


def test_quiet_and_a_number_type(verb: Any, tmp_path: Path) -> None:
    assert verb("--quiet", dtype="bfloat16").output == ""
    assert str(Checkpoint(tmp_path / "out").dtype) == "torch.bfloat16"


def test_what_does_not_fit_is_an_error(verb: Any) -> None:
    wide = verb(projector=LLAMA3).exception
    assert isinstance(wide, ConfigError)
    assert "from 160 to 48" in str(wide)
    assert isinstance(verb(vision="nowhere").exception, CheckpointError)
    assert isinstance(verb(dtype="int4").exception, ConfigError)
    assert isinstance(verb(**{"max-shard-size": "huge"}).exception, UsageError)
