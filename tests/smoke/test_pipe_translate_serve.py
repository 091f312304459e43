"""Translation through `internvl serve` with the embedded model, which can't translate: every record is refused with a reason."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from internvl.cli.main import app

KEY = "a-key-of-the-test"
WAIT_S = 120.0


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server process, ready to answer."""
    monkeypatch.setenv("TEST_SERVE_KEY", KEY)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["serve", "--port", str(port), "--api-key-env", "TEST_SERVE_KEY", "--device", "cpu"]
    process = subprocess.Popen([sys.executable, "-m", "internvl", *words], env={**os.environ, "HF_HUB_OFFLINE": "1"})
    address, until = f"http://127.0.0.1:{port}", time.monotonic() + WAIT_S
    try:
        while not _is_ready(address):
            assert process.poll() is None and time.monotonic() < until, "the server did not become ready"  # noqa: PT018
            time.sleep(0.1)
        yield f"{address}/v1"
    finally:
        process.kill()
        process.wait()


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/ready", headers={"authorization": f"Bearer {KEY}"}).status_code == 200
    except httpx.TransportError:
        return False


def test_requests_go_through_and_refusals_have_reasons(url: str, tmp_path: Path) -> None:
    talk = [{"from": "human", "value": "<image>\nHow many <ref>dogs</ref> are there?"}, {"from": "gpt", "value": "There are 3."}]
    records = [{"caption": "A red bus stops in front of 12 houses."}, {"id": "t", "image": "a.png", "conversations": talk}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    words = ["--to", "zh", "--base-url", url, "--model", "internvl-nano", "--api-key-env", "TEST_SERVE_KEY", "--out", tmp_path / "zh"]
    settings = ["--set", "attempts=2", "--set", "max_new_tokens=16", "--json", "--quiet"]
    result = CliRunner().invoke(app, [str(word) for word in ("data", "translate", tmp_path / "in.jsonl", *words, *settings)])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["records"], told["translated"], sum(told["refused"].values())) == (2, 0, 2)
    assert told["requests"] >= 3
    assert told["prompt_tokens"] > 100
    reasons = [json.loads(line)["reason"] for line in (tmp_path / "zh" / "ledger.jsonl").read_text("utf-8").splitlines()]
    assert all("(in the last of 2 answers)" in reason for reason in reasons)
