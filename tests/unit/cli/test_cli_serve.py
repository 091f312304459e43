"""`internvl serve`: mistakes are told before a model is loaded or a port is opened to others."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from cli_runs import Run

from internvl.errors import MissingDependencyError
from internvl.serve.vllm_process import NOT_INSTALLED


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--set", "max_running=0"), 1, "max_running must be a finite number above 0"),
        (("--set", "max_running=many"), 2, "max_running must be"),
        (("--set", "nonsense=1"), 2, "knows no 'nonsense'"),
        (("--set", "temperature=1"), 2, "temperature belongs to a request"),
        (("--api-key-env", "NO_SUCH_VARIABLE"), 2, "not set or empty"),
        (("--host", "203.0.113.7"), 1, "can't listen on 203.0.113.7"),
        (("--port", "99999"), 2, ""),
        (("--vllm-arg=--enforce-eager",), 2, "--vllm-arg needs --engine vllm"),
        (("--engine", "other"), 2, ""),
    ],
)
def test_mistakes_are_told_first(run: Run, model: Path, words: tuple[str, ...], code: int, told: str) -> None:
    result = run("serve", "--model", model, *words)
    assert result.exit_code == code, result.stderr
    assert told in result.stderr


def test_without_vllm_one_sentence_says_so(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("internvl.serve.vllm_process.program", _absent)
    result = run("serve", "--model", model, "--engine", "vllm", "--port", "0")
    assert result.exit_code == 1
    assert "vLLM is not installed here" in " ".join(result.stderr.split())


def _absent() -> list[str]:
    raise MissingDependencyError(NOT_INSTALLED)


def test_a_port_that_is_taken_is_told_before_loading(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("serve", "--model", "no-such-model", "--port", port)
    assert result.exit_code == 1
    assert f"can't listen on 127.0.0.1:{port}" in result.stderr
