"""`--schema`, `--regex` and `--choice` of chat and generate, and the same by `--set`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cli_runs import Run

SCHEMA = {"type": "object", "properties": {"total": {"type": "integer"}, "paid": {"type": "boolean"}}, "required": ["total", "paid"]}
SCHEMA["additionalProperties"] = False


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "receipt.schema.json"
    path.write_text(json.dumps(SCHEMA), "utf-8")
    return path


def test_one_question(run: Run, model: Path, schema: Path) -> None:
    words = ("chat", "-q", "Read it.", "--model", model, "--quiet", "--set", "max_new_tokens=30")
    assert json.loads(run(*words, "--schema", schema).stdout).keys() == {"total", "paid"}
    assert re.fullmatch(r"[A-Z]{3}\n", run(*words, "--regex", "[A-Z]{3}").stdout)
    assert run(*words, "--choice", "yes", "--choice", "no, never").stdout in ("yes\n", "no, never\n")
    assert re.fullmatch(r"[0-9]{2}\n", run(*words, "--set", "regex=[0-9]{2}").stdout)
    assert run(*words, "--set", "choice=a, b", "--set", "choice=c").stdout in ("a, b\n", "c\n")


def test_every_record(run: Run, model: Path, schema: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps({"id": n, "question": f"Read {n}."}) + "\n" for n in range(3)), "utf-8")
    words = ("generate", source, target, "--model", model, "--quiet", "--set", "max_new_tokens=30")
    refused = run(*words, "--regex", "(")
    assert refused.exit_code == 1
    assert "unclosed group" in refused.stderr
    assert not target.exists()
    assert run(*words, "--schema", schema).exit_code == 0
    for line in target.read_text("utf-8").splitlines():
        assert json.loads(json.loads(line)["answer"]).keys() == {"total", "paid"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--regex", "a", "--choice", "b"), "one form"),
        (("--regex", "a", "--set", "stop=b"), "stop strings"),
        (("--schema", "missing.json"), "missing.json"),
        (("--choice", ""), "not empty"),
    ],
)
def test_what_is_wrong_is_told_before_a_model_is_loaded(run: Run, words: tuple[str, ...], told: str) -> None:
    result = run("chat", "-q", "x", "--model", "no-such-model", *words)
    assert result.exit_code in (1, 2)
    assert told in result.stderr


def test_a_schema_file_is_text(run: Run, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_bytes(b"\xff\xfe{")
    result = run("chat", "-q", "x", "--schema", tmp_path / "s.json")
    assert result.exit_code == 2
    assert "UTF-8" in result.stderr
