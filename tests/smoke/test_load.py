"""A small load test: every kind of request at once against a real server process, each answer beside the one computed alone."""

from __future__ import annotations

import pytest
from benchmarks.load_test import measured

from internvl import load

pytest.importorskip("fastapi")
pytest.importorskip("httpx")


def test_many_requests_of_all_kinds_at_once() -> None:
    report = measured(load("internvl-nano", device="cpu"), "internvl-nano", requests=56, together=12)
    assert report["faults"] == []
    assert report["distinct_answers"] >= 10, "answers that are all alike could be mixed up unseen"
    assert report["shutdown"]["finished"] > 0
    assert report["held"]["after"]["running"] == 0
