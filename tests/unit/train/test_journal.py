"""The log of a run: one line a step, whatever happens in between; and the sentence about records that were left out."""

from __future__ import annotations

import json
from pathlib import Path

from internvl.train.journal import Journal, dropped_summary, read_journal


def test_lines_after_the_checkpoint_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    journal = Journal(path)
    journal.begin(0)
    for step in (1, 2, 3):
        journal.write({"step": step, "loss": float(step)})
    Journal(path).begin(2)
    journal.write({"step": 3, "loss": 9.0})
    assert [(line["step"], line["loss"]) for line in read_journal(path)] == [(1, 1.0), (2, 2.0), (3, 9.0)]
    Journal(path).begin(0)
    assert path.read_text() == ""


def test_a_torn_line_is_left_out_and_the_next_begins_on_its_own(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "loss": 1.0}\n{"step": 2, "lo')
    assert [line["step"] for line in read_journal(path)] == [1]
    journal = Journal(path)
    journal.begin(1)
    journal.write({"step": 2, "loss": 2.0})
    assert [line["step"] for line in read_journal(path)] == [1, 2]


def test_every_line_is_json_that_others_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "log.jsonl")
    journal.write({"step": 1, "loss": float("nan"), "grad_norm": float("inf")})

    def refuse(word: str) -> None:
        raise AssertionError(word)

    line = json.loads((tmp_path / "log.jsonl").read_text(), parse_constant=refuse)
    assert line == {"step": 1, "loss": None, "grad_norm": None}


def test_other_ranks_write_nothing(tmp_path: Path) -> None:
    journal = Journal(None)
    journal.begin(0)
    journal.write({"step": 1})
    assert not list(tmp_path.iterdir())
    assert read_journal(tmp_path / "none.jsonl") == []


def test_the_most_frequent_reasons_are_told() -> None:
    assert dropped_summary({}) == ""
    assert dropped_summary({"too long": 3}) == "3 records were left out: 3 x too long"
    assert dropped_summary({"a": 3, "b": 2, "c": 1}, most=2) == "6 records were left out: 3 x a; 2 x b; and 1 more reasons"
